import { createHash } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 16 bytes as base62, 22 characters, left-padded with `0` (spec flow.md §11). */
function base62(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  let rest = (view.getBigUint64(0) << 64n) | view.getBigUint64(8);
  let text = '';
  for (let at = 0; at < 22; at++) {
    text = ALPHABET[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text;
}

/**
 * A new id of 22 base62 characters from 16 `random` bytes, of which 80 bits stay random; the first 48 bits are the time
 * in milliseconds, so that ids made one after the other lie side by side in an index.
 */
export function newId(now: number, random: Uint8Array): string {
  const bytes = Uint8Array.from(random.subarray(0, 16));
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32) & 0xffff);
  new DataView(bytes.buffer).setUint32(2, now >>> 0);
  return base62(bytes);
}

/**
 * An id that follows from `parts`: the same parts give the same id, so deciding twice gives the same task runs. Parts are
 * length-prefixed, so no two lists of parts share an id by concatenation.
 */
export function derivedId(...parts: readonly (string | number | undefined)[]): string {
  let text = '';
  for (const part of parts) {
    const piece = part === undefined ? '' : String(part);
    text += part === undefined ? '-' : `${piece.length}:${piece}`;
  }
  return base62(createHash('sha256').update(text).digest());
}

/** Joins the parts of a record's key with `/`; each part is escaped, so no part can imitate another key. */
export const keyOf = (...parts: readonly string[]): string => parts.map(encodeURIComponent).join('/');

/** The parts that `keyOf` joined. */
export const keyParts = (key: string): string[] => key.split('/').map(decodeURIComponent);
