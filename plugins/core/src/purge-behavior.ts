import { Type, type Static } from '@sinclair/typebox';
import { Dynamic, type VersionPurge } from '@millrace/model';
import { createGlob, TaskFailure } from '@millrace/plugin-api';
import { instantOf, instantProperty } from './instant.js';

/** Namespaces that a purge concerns, as properties. */
export const purgedNamespaces = {
  namespaces: Type.Optional(
    Dynamic(
      Type.Union([Type.Array(Type.String({ minLength: 1 })), Type.String({ minLength: 1 })], {
        description: 'Namespaces; without them every one.',
      }),
    ),
  ),
  namespacePattern: Type.Optional(
    Dynamic(Type.String({ minLength: 1, description: 'Namespaces by a pattern, such as company.*' })),
  ),
  includeChildNamespaces: Type.Optional(
    Dynamic(Type.Boolean({ default: true, description: "Also those below one of 'namespaces'." })),
  ),
};

interface ChosenNamespaces {
  readonly namespaces?: readonly string[] | string;
  readonly namespacePattern?: string;
  readonly includeChildNamespaces?: boolean;
}

/** Whether a namespace is chosen. @throws TaskFailure when it is said in two ways */
export function namespaceChooser(chosen: ChosenNamespaces): (namespace: string) => boolean {
  const { namespaces, namespacePattern, includeChildNamespaces = true } = chosen;
  if (namespaces !== undefined && namespacePattern !== undefined)
    throw new TaskFailure("Give either 'namespaces' or 'namespacePattern', and not both");
  if (namespacePattern !== undefined) return createGlob(namespacePattern);
  if (namespaces === undefined) return () => true;
  const list = typeof namespaces === 'string' ? [namespaces] : namespaces;
  return (namespace) =>
    list.some((one) => namespace === one || (includeChildNamespaces && namespace.startsWith(`${one}.`)));
}

/** Whether a name matches a pattern; without one all do. */
export const patternChooser = (pattern: string | undefined): ((name: string) => boolean) =>
  pattern === undefined ? () => true : createGlob(pattern);

const versionBehavior = {
  before: Type.Optional(instantProperty('Versions that were written before.')),
  keepAmount: Type.Optional(Dynamic(Type.Integer({ minimum: 1, description: 'So many of the newest stay.' }))),
};

/** Old versions go. */
export const VersionBehavior = Type.Object(
  { type: Type.Optional(Type.Literal('version')), ...versionBehavior },
  { additionalProperties: false, description: 'Old versions.' },
);

/** Keys go, or old versions of them. */
export const KeyBehavior = Type.Object(
  {
    type: Type.Unsafe<'key' | 'version'>({ type: 'string', enum: ['key', 'version'] }),
    expiredOnly: Type.Optional(
      Dynamic(Type.Boolean({ default: true, description: 'key: only those that have expired.' })),
    ),
    ...versionBehavior,
  },
  { additionalProperties: false, description: 'key: whole keys; version: old versions.' },
);

/** The versions that go. @throws TaskFailure when it does not say which */
export function versionPurge({ before, keepAmount }: Static<typeof VersionBehavior>): VersionPurge {
  if (before === undefined && keepAmount === undefined)
    throw new TaskFailure("Property 'behavior' needs 'before' or 'keepAmount', to say which versions go");
  return {
    ...(before === undefined ? {} : { before: instantOf('behavior.before', before) }),
    ...(keepAmount === undefined ? {} : { keepAmount }),
  };
}
