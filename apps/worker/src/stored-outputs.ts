import { Scope } from '@millrace/authorization';
import {
  isPlainObject,
  isStoredOutputs,
  STORED_OUTPUTS_FROM_BYTES,
  STORED_OUTPUTS_TYPE,
  type Job,
  type PlainObject,
  type StoredOutputs,
} from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';
import { executionFileUri, executionFolderUri, isInside, type Storage } from '@millrace/storage';
import { OUTPUT_BYTES_MAX } from './plain-outputs.js';

const DEPTH_MAX = 64;
const FOLDER = '.millrace';
const IS_STORED = /\/tasks\/[^/]+\/[^/]+\/\.millrace\/outputs-\d+\.json$/;

/** The outputs as a record may hold them: large ones go to internal storage. @throws StorageError */
export async function storableOutputs(outputs: PlainObject, job: Job, storage: Storage): Promise<PlainObject> {
  const text = JSON.stringify(outputs);
  if (text.length <= STORED_OUTPUTS_FROM_BYTES && Buffer.byteLength(text) <= STORED_OUTPUTS_FROM_BYTES) return outputs;
  const { tenant: tenantId, namespace, flowId, executionId, taskRunId } = job;
  const taskId = job.task.id;
  const storageUri = executionFileUri({ ...job, taskId, name: `${FOLDER}/outputs-${job.attempt}.json` });
  await storage.put(Scope.system(tenantId), storageUri, text);
  return {
    type: STORED_OUTPUTS_TYPE,
    storageUri,
    storageContext: { tenantId, namespace, flowId, executionId, taskId, taskRunId },
  } satisfies StoredOutputs;
}

/** True when something inside lies in internal storage. */
export function holdsStoredOutputs(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return false;
  return isStoredOutputs(value) || Object.values(value).some((member) => holdsStoredOutputs(member, depth + 1));
}

/**
 * The variables with all that lies in internal storage read.
 * @throws TaskFailure when a file is not one of outputs of the job's flow, or is not there any more
 */
export async function openStoredOutputs(variables: PlainObject, job: Job, storage: Storage): Promise<PlainObject> {
  const opened = await open(variables, job, storage, 0);
  return isPlainObject(opened) ? opened : variables;
}

async function open(value: unknown, job: Job, storage: Storage, depth: number): Promise<unknown> {
  if (!holdsStoredOutputs(value) || depth > DEPTH_MAX) return value;
  if (isStoredOutputs(value)) return read(value, job, storage);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(await open(item, job, storage, depth + 1));
    return items;
  }
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(isPlainObject(value) ? value : {}))
    members.push([name, await open(member, job, storage, depth + 1)]);
  return Object.fromEntries(members);
}

async function read({ storageUri }: StoredOutputs, job: Job, storage: Storage): Promise<unknown> {
  // A copy of an execution (replay) reads what the first one has stored: both are of one flow.
  const ofFlow = executionFolderUri(job).slice(0, -(job.executionId.length + 1));
  if (!IS_STORED.test(storageUri) || !isInside(ofFlow, storageUri))
    throw new TaskFailure(`${storageUri} does not hold outputs of the flow '${job.namespace}.${job.flowId}'`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of await storage.read(Scope.system(job.tenant), storageUri)) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    bytes += part.length;
    if (bytes > OUTPUT_BYTES_MAX) throw new TaskFailure(`${storageUri} is larger than outputs may be`);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
