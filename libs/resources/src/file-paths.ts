import { NAMESPACE_FILE_LIMITS } from '@millrace/model';
import { ResourceRefusedError } from './refused.js';

const CONTROL = /[\u0000-\u001f\u007f]/;

const refuse = (path: string, why: string): never => {
  const shown = JSON.stringify(path.length > 120 ? `${path.slice(0, 119)}…` : path);
  throw new ResourceRefusedError('invalid', `The path ${shown} is not allowed: ${why}`);
};

/** Undoes percent encoding of ASCII, to see what a careless reader further on would see. */
const decoded = (part: string): string =>
  part.replace(/%([0-7][0-9a-fA-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/**
 * A path in a namespace as it is kept: without slashes at its ends, in Unicode's composed form. One slash at the start
 * is accepted, for the root is the namespace's own; `''` and `/` are the root.
 * @throws ResourceRefusedError invalid: `..`, `.`, empty parts, control characters, backslashes, too long
 */
export function checkedPath(written: string): string {
  const limits = NAMESPACE_FILE_LIMITS;
  if (written.length > limits.pathLength) refuse(written, `it is longer than ${limits.pathLength} characters`);
  if (/\p{Surrogate}/u.test(written)) refuse(written, 'it is not valid Unicode');
  const path = written.normalize('NFC').replace(/^\//, '').replace(/\/$/, '');
  if (path === '') return '';
  const parts = path.split('/');
  if (parts.length > limits.depth) refuse(written, `it has more than ${limits.depth} parts`);
  for (const part of parts) {
    if (part === '') refuse(written, 'it has an empty part between two slashes');
    const seen = decoded(decoded(part));
    if (seen === '.' || seen === '..') refuse(written, "'.' and '..' would lead out of its folder");
    if (seen.includes('\\') || (seen !== part && seen.includes('/'))) refuse(written, 'parts are separated by /');
    if (CONTROL.test(seen)) refuse(written, 'it has a control character');
    if (Buffer.byteLength(part) > limits.pathPartBytes)
      refuse(written, `a part is longer than ${limits.pathPartBytes} bytes`);
  }
  return path;
}

/** As `checkedPath`, for what cannot be the root. @throws ResourceRefusedError invalid */
export function checkedFilePath(written: string): string {
  const path = checkedPath(written);
  return path === '' ? refuse(written, 'a name is missing') : path;
}

/** The folders above a path, the nearest first; without the root. */
export function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'));
}
