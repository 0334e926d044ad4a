import { slug } from '@millrace/model';
import { uriOf, uriSegments } from './uri.js';

/** Names an execution, for the URIs of its files. */
export interface ExecutionAddress {
  readonly namespace: string;
  readonly flowId: string;
  readonly executionId: string;
}

const namespaceParts = (namespace: string): readonly string[] => namespace.split('.').filter((part) => part !== '');

const executionParts = ({ namespace, flowId, executionId }: ExecutionAddress): readonly string[] => [
  ...namespaceParts(namespace),
  // An id without any letter or digit has no slug; its own text is then as good.
  slug(flowId) || flowId,
  'executions',
  executionId,
];

/** A name may have folders (`reports/may.csv`). */
const nameParts = (name: string): readonly string[] => name.split('/');

/** The folder of all files of an execution. */
export const executionFolderUri = (address: ExecutionAddress): string => uriOf(executionParts(address));

/**
 * A file made by a task run. `name` may have folders.
 * @throws StorageError INVALID_URI when the name leads out of the folder or is too long
 */
export const executionFileUri = (
  address: ExecutionAddress & { readonly taskId: string; readonly taskRunId: string; readonly name: string },
): string =>
  uriOf([
    ...executionParts(address),
    'tasks',
    slug(address.taskId) || address.taskId,
    address.taskRunId,
    ...nameParts(address.name),
  ]);

/** A file given as an input of an execution. @throws StorageError INVALID_URI */
export const inputFileUri = (address: ExecutionAddress & { readonly inputId: string; readonly name: string }): string =>
  uriOf([...executionParts(address), 'inputs', address.inputId, address.name]);

/** A file that came with the trigger of an execution. @throws StorageError INVALID_URI */
export const triggerFileUri = (
  address: ExecutionAddress & { readonly triggerId: string; readonly name: string },
): string => uriOf([...executionParts(address), 'trigger', slug(address.triggerId) || address.triggerId, address.name]);

/** A name that looks as if it had the suffix of a version. */
const LIKE_A_VERSION = /\.v\d+$/;

/**
 * A namespace file; `path` with or without a leading slash. Versions above 1 have a suffix, and so has the first one of a
 * file whose own name ends like one: no two versions of two files share a place.
 * @throws StorageError INVALID_URI
 */
export function namespaceFileUri(address: {
  readonly namespace: string;
  readonly path: string;
  readonly version?: number;
}): string {
  const path = address.path.replace(/^\//, '');
  const { version } = address;
  const suffix = version !== undefined && (version > 1 || LIKE_A_VERSION.test(path)) ? `.v${version}` : '';
  return uriOf([...namespaceParts(address.namespace), '_files', ...nameParts(`${path}${suffix}`)]);
}

/** True when `uri` is inside the folder `folderUri`. @throws StorageError INVALID_URI */
export function isInside(folderUri: string, uri: string): boolean {
  const folder = uriSegments(folderUri);
  const segments = uriSegments(uri);
  return segments.length > folder.length && folder.every((part, index) => segments[index] === part);
}

/** The folder of the files of a namespace. */
export const namespaceFilesUri = (namespace: string): string => uriOf([...namespaceParts(namespace), '_files']);

/** What a task keeps for later executions of its flow, below `key`. @throws StorageError INVALID_URI */
export const cacheUri = (address: {
  readonly namespace: string;
  readonly flowId: string;
  readonly taskId: string;
  readonly key: string;
}): string =>
  uriOf([
    ...namespaceParts(address.namespace),
    slug(address.flowId) || address.flowId,
    slug(address.taskId) || address.taskId,
    'cache',
    address.key,
    'cache.zip',
  ]);

/** The folder of states that executions leave for later ones: of a flow, or without one of the namespace. */
export const statesFolderUri = (namespace: string, flowId?: string): string =>
  uriOf([...namespaceParts(namespace), ...(flowId === undefined ? [] : [slug(flowId) || flowId]), 'states']);
