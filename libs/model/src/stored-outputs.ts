import { isPlainObject, type PlainObject } from './json.js';

/** What marks outputs that are kept in internal storage; the spelling is that of the reference product. */
export const STORED_OUTPUTS_TYPE = 'io.kestra.datatype:outputs';

/** Outputs of a task run that are larger, as JSON in UTF-8, are kept in internal storage (protocols.md part 1.7). */
export const STORED_OUTPUTS_FROM_BYTES = 64 * 1024;

/** Stands for the outputs of a task run that are too large for its record; expressions on workers read through it. */
export interface StoredOutputs extends PlainObject {
  readonly type: typeof STORED_OUTPUTS_TYPE;
  /** `kestra:///…` of a file with the outputs as JSON. */
  readonly storageUri: string;
  readonly storageContext: PlainObject;
}

export const isStoredOutputs = (value: unknown): value is StoredOutputs =>
  isPlainObject(value) && value['type'] === STORED_OUTPUTS_TYPE && typeof value['storageUri'] === 'string';
