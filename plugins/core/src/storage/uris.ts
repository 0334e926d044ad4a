import { Type } from '@sinclair/typebox';
import { Dynamic } from '@millrace/model';

/** A file of internal storage, as a property. */
export const fileProperty = (description: string) =>
  Dynamic(Type.String({ minLength: 1, description: `${description} A URI such as kestra:///….` }));

/** The extension of a URI's file name, with its dot; empty when it has none. */
export const extensionOf = (uri: string): string => /\.[A-Za-z0-9]{1,16}$/.exec(uri.split('/').at(-1) ?? '')?.[0] ?? '';
