import type { Scope } from '@millrace/authorization';
import { StorageError } from './contract.js';

/** What every URI of internal storage begins with; the third slash is the root of the tenant. */
export const STORAGE_SCHEME = 'kestra://';

/** Limits of a URI: `length` in UTF-16 units, `segmentBytes` in bytes of UTF-8 (file systems allow no more). */
export const URI_LIMITS = { length: 1_024, segmentBytes: 255 } as const;

const CONTROL = /[\u0000-\u001f\u007f]/;
const ENCODED_ASCII = /%([0-7][0-9a-fA-F])/g;

const invalid = (uri: string, reason: string): never => {
  const shown = uri.length > 120 ? `${uri.slice(0, 119)}…` : uri;
  throw new StorageError('INVALID_URI', `The storage URI ${JSON.stringify(shown)} is not allowed: ${reason}`, false);
};

/** Undoes percent encoding of ASCII until nothing changes, to see what a careless reader further on would see. */
function fullyDecoded(segment: string): string {
  let decoded = segment;
  for (let round = 0; round < 8 && decoded.includes('%'); round++) {
    const next = decoded.replace(ENCODED_ASCII, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (next === decoded) return decoded;
    decoded = next;
  }
  return decoded;
}

function checkSegment(uri: string, segment: string): void {
  if (segment === '') invalid(uri, 'it has an empty part between two slashes');
  if (Buffer.byteLength(segment) > URI_LIMITS.segmentBytes) {
    invalid(uri, `a part is longer than ${URI_LIMITS.segmentBytes} bytes; use a shorter file name`);
  }
  const decoded = fullyDecoded(segment);
  if (decoded === '.' || decoded === '..') invalid(uri, "'.' and '..' would lead out of its folder");
  if (decoded !== segment && /[/\\]/.test(decoded)) invalid(uri, 'it hides a slash by percent encoding');
  if (decoded.includes('\\')) invalid(uri, 'it has a backslash; use /');
  if (CONTROL.test(decoded)) invalid(uri, 'it has a control character');
}

/**
 * The parts of a URI, checked. Parts are taken as they are written and never decoded, so a file has exactly one URI.
 * The root `kestra:///` has no parts.
 * @throws StorageError INVALID_URI with the reason
 */
export function uriSegments(uri: string): readonly string[] {
  if (uri.length > URI_LIMITS.length) invalid(uri, `it is longer than ${URI_LIMITS.length} characters`);
  if (!uri.startsWith(`${STORAGE_SCHEME}/`)) invalid(uri, `it must begin with ${STORAGE_SCHEME}/`);
  if (/\p{Surrogate}/u.test(uri)) invalid(uri, 'it is not valid Unicode');
  const path = uri.slice(STORAGE_SCHEME.length + 1);
  if (path === '') return [];
  const segments = path.split('/');
  for (const segment of segments) checkSegment(uri, segment);
  return segments;
}

/** A URI from its parts, checked. @throws StorageError INVALID_URI */
export function uriOf(segments: readonly string[]): string {
  const uri = `${STORAGE_SCHEME}/${segments.join('/')}`;
  if (uriSegments(uri).length !== segments.length) invalid(uri, 'a file name must not contain a slash');
  return uri;
}

/** How many parts before the marker do not belong to the namespace: `<namespace>/<flow>/executions/…`. */
const MARKERS: Readonly<Record<string, number>> = { _files: 0, _kv: 0, executions: 1, states: 1, cache: 2 };

/**
 * The namespace to which a URI belongs. The layout does not say where the namespace ends, so of several readings the
 * shortest namespace is answered: whoever sees it sees the longer ones too, and nobody sees more than granted.
 */
function namespaceOf(segments: readonly string[]): string {
  for (const [index, segment] of segments.entries()) {
    const others = Object.hasOwn(MARKERS, segment) ? MARKERS[segment] : undefined;
    if (others !== undefined && index - others >= 1) return segments.slice(0, index - others).join('.');
  }
  // A folder above the marker: its last two parts may be a flow and a cache, not a namespace.
  return segments.slice(0, -2).join('.');
}

/** True when a scope may see what is below a URI. The root and folders above a namespace need the whole tenant. */
export function isVisible(scope: Scope, segments: readonly string[]): boolean {
  if (scope.namespaces === 'ALL') return true;
  const namespace = namespaceOf(segments);
  return namespace !== '' && scope.covers(namespace);
}
