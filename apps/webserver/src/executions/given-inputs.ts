import type { IncomingMessage } from 'node:http';
import { inputId } from '@millrace/flow';
import type { Scope } from '@millrace/authorization';
import { isPlainObject, type Flow, type Input, type PlainObject } from '@millrace/model';
import { inputFileUri, type Storage } from '@millrace/storage';
import { HttpError, unprocessable } from '../http/errors.js';
import { BODY_LIMITS, mediaType, parseJson, readText } from '../http/body.js';
import { readForm, type FormFile } from '../http/multipart.js';

export interface GivenInputsOptions {
  readonly request: IncomingMessage;
  readonly flow: Pick<Flow, 'namespace' | 'id'>;
  /** Those that may be given. */
  readonly inputs: readonly Input[];
  readonly executionId: string;
  readonly scope: Scope;
  /** Without it files are not kept: only their names count, as when inputs are only checked. */
  readonly storage?: Storage;
}

const NONE: PlainObject = {};

/**
 * What a request gives as inputs: a form (files are stored as they arrive), a map as JSON, or nothing.
 * @throws HttpError 413, 415, 422
 */
export async function givenInputs(options: GivenInputsOptions): Promise<PlainObject> {
  const { request } = options;
  const type = mediaType(request);
  if (type === 'multipart/form-data') return fromForm(options);
  if (type === 'application/json') return fromJson(await readText(request, [type], BODY_LIMITS.json));
  const hasBody =
    Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined;
  if (!hasBody) return NONE;
  throw new HttpError(
    415,
    `Inputs are sent as multipart/form-data or as a map in application/json, but not as '${type.slice(0, 80)}'`,
  );
}

function fromJson(text: string): PlainObject {
  if (text.trim() === '') return NONE;
  const value = parseJson(text);
  if (!isPlainObject(value)) throw unprocessable('Inputs in JSON must be a map of names to values');
  return value;
}

async function fromForm(options: GivenInputsOptions): Promise<PlainObject> {
  const { request, flow, inputs, executionId, scope, storage } = options;
  const declared = new Set(inputs.filter(({ type }) => type === 'FILE').map(inputId));
  const address = { namespace: flow.namespace, flowId: flow.id, executionId };
  const files = new Map<string, string>();
  const store = async ({ name, fileName, content }: FormFile): Promise<void> => {
    if (!declared.has(name)) {
      content.resume();
      return;
    }
    const stored = fileName || `${name}.upl`;
    if (!storage) {
      content.resume();
      files.set(name, `file:///${encodeURIComponent(stored)}`);
      return;
    }
    const uri = inputFileUri({ ...address, inputId: name, name: stored });
    try {
      await storage.put(scope, uri, content);
      files.set(name, uri);
    } finally {
      content.resume();
    }
  };
  try {
    const fields = await readForm(request, store);
    return Object.fromEntries([...fields, ...files]);
  } catch (error) {
    // The execution may exist and have files of its own.
    for (const uri of files.values()) await storage?.remove(scope, uri);
    throw error;
  }
}
