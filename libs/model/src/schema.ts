import { Type, type SchemaOptions, type TSchema } from '@sinclair/typebox';

/** Marks a property whose value may be an expression; the flow's validator accepts a template there, the worker renders it. */
export const DYNAMIC = 'x-dynamic';

/**
 * A property that may hold an expression (`dyn` in the spec). Its schema is the type after rendering; a template is
 * accepted in its place when the flow is validated.
 */
export const Dynamic = <Schema extends TSchema>(schema: Schema): Schema => ({ ...schema, [DYNAMIC]: true });

/** An ISO-8601 duration such as `PT5S` or `P1D`. */
export const Duration = (options: SchemaOptions = {}) => Type.String({ format: 'duration', ...options });

/** A map with keys of the user's choice. */
export const MapOf = <Schema extends TSchema>(schema: Schema, options: SchemaOptions = {}) =>
  Type.Record(Type.String(), schema, options);

/** Marks a property that holds a secret: a text without an expression there is warned of when the flow is checked. */
export const SECRET_TEXT = 'x-secret-text';

/** A property that should be an expression such as `{{ secret('KEY') }}`. */
export const SecretText = <Schema extends TSchema>(schema: Schema): Schema => ({ ...schema, [SECRET_TEXT]: true });
