import { isPlainObject } from '@millrace/model';
import { neededText, optionalText, type NamedArguments } from './host-arguments.js';
import type { SecretMask, SecretSource } from './secrets.js';

/** `secret(key, namespace, subkey)`; from then on the value is masked. @throws Error that names the key and no value */
export function secretOf(
  args: NamedArguments,
  { secrets, mask }: { readonly secrets: SecretSource; readonly mask: SecretMask },
): string {
  const key = neededText(args, 'key');
  const value = secrets.find(key);
  if (value === undefined)
    throw new Error(`there is no secret '${key}': set SECRET_${key.toUpperCase()} (base64) for the workers`);
  mask.add(value);
  const subkey = optionalText(args, 'subkey');
  if (subkey === undefined) return value;
  const member = memberOf(value, key, subkey);
  mask.add(member);
  return member;
}

function memberOf(secret: string, key: string, subkey: string): string {
  let members: unknown;
  try {
    members = JSON.parse(secret);
  } catch {
    // The parser's own message would show the secret.
    throw new Error(`the secret '${key}' is not JSON, so it has no subkey '${subkey}'`);
  }
  const member = isPlainObject(members) && Object.hasOwn(members, subkey) ? members[subkey] : undefined;
  if (member === undefined || member === null) throw new Error(`the secret '${key}' has no subkey '${subkey}'`);
  return typeof member === 'string' ? member : JSON.stringify(member);
}
