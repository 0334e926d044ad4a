import type { IncomingMessage } from 'node:http';
import { isPlainObject, type PlainObject } from '@millrace/model';
import { BODY_LIMITS, jsonBody, parseJson, readText, type JsonBody } from './body.js';
import { unprocessable } from './errors.js';

/** What settings may say: members with their schemas, and those that the reference has and this version does not. */
export interface SettingsMembers {
  /** Such as `a namespace`. */
  readonly what: string;
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly unsupported: readonly string[];
}

/**
 * A JSON body of settings. Members without a value (null, an empty text, list or map, false) say nothing, because clients
 * send all members that they know.
 */
export function settingsBody<Value>({
  what,
  properties,
  required = [],
  unsupported,
}: SettingsMembers): JsonBody<Value> {
  const schema = { type: 'object', required, properties, additionalProperties: false };
  const { check } = jsonBody<Value>(schema);
  const names = Object.keys(properties).join(', ');
  return {
    schema,
    check,
    async read(request: IncomingMessage) {
      const written = parseJson(await readText(request, ['application/json'], BODY_LIMITS.json));
      if (!isPlainObject(written)) return check(written);
      const said = withoutEmpty(written);
      const others = Object.keys(said).filter((name) => !Object.hasOwn(properties, name));
      if (others.length === 0) return check(said);
      const later = others.filter((name) => unsupported.includes(name)).map((name) => `'${name}'`);
      const unknown = others.filter((name) => !unsupported.includes(name)).map((name) => `'${name}'`);
      const sentences = [
        ...(later.length === 0 ? [] : [`${later.join(', ')} of ${what} cannot be set in this version yet`]),
        ...(unknown.length === 0 ? [] : [`${what} has no ${unknown.join(', ')}`]),
      ];
      throw unprocessable(
        `The body is not valid: ${sentences.join('; ')}. What can be set is: ${names}`,
        others.map((name) => ({ message: `cannot be set; what can be set is: ${names}`, path: name })),
      );
    },
  };
}

const withoutEmpty = (written: PlainObject): PlainObject =>
  Object.fromEntries(Object.entries(written).filter(([, value]) => !isEmpty(value)));

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isPlainObject(value) && Object.values(value).every(isEmpty));
