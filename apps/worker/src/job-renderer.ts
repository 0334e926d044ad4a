import { encryptedValue, EncryptionProblem } from '@millrace/expression';
import { isPlainObject, type Clock, type Job, type PlainObject } from '@millrace/model';
import { TaskFailure, type FunctionContext, type TaskTypeRegistry } from '@millrace/plugin-api';
import type { Storage } from '@millrace/storage';
import { decryptedVariables } from './decrypted-variables.js';
import type { ExpressionServices } from './expression-services.js';
import { createHostFunctions } from './host-functions.js';
import { createRenderer, type Renderer } from './rendering.js';
import type { SecretMask, SecretSource } from './secrets.js';
import { holdsStoredOutputs, openStoredOutputs } from './stored-outputs.js';

/** What all jobs of a worker render with. */
export interface RenderingEnvironment {
  readonly storage: Storage;
  readonly registry: Pick<TaskTypeRegistry, 'findFunction'>;
  readonly secrets: SecretSource;
  readonly clock: Clock;
  readonly timeZone: string;
  readonly serverVariables: PlainObject;
  readonly expressionServices?: ExpressionServices;
  /** Folders of this machine below which `file:///` URIs may be read. */
  readonly localFilePaths?: readonly string[];
}

/**
 * The renderer of one job: with its variables, the encrypted ones opened and masked, and the functions that need a host.
 * When a variable cannot be opened, everything that it renders rejects with TaskFailure.
 */
export function createJobRenderer(
  job: Job,
  environment: RenderingEnvironment,
  mask: SecretMask,
  context: () => FunctionContext,
): Renderer {
  const { storage, registry, secrets, clock, timeZone, serverVariables, localFilePaths = [] } = environment;
  const services = { localFilePaths, ...environment.expressionServices };
  const host = createHostFunctions({
    job,
    storage,
    secrets,
    mask,
    services,
    clock,
    context,
    findFunction: (name) => registry.findFunction?.(name),
  });
  const withVariables = (variables: PlainObject): Renderer =>
    createRenderer({
      variables: { ...serverVariables, ...variables },
      host,
      clock,
      timeZone,
      ...(services.recursive === true && { recursive: true }),
    });
  const decrypted = (variables: PlainObject): Renderer => {
    try {
      return withVariables(decryptedVariables(variables, services.encryptionKey, mask));
    } catch (error) {
      if (!(error instanceof EncryptionProblem)) throw error;
      return refusingRenderer(`An encrypted variable of this job cannot be opened: ${error.message}`, error);
    }
  };
  if (!holdsStoredOutputs(job.variables)) return decrypted(job.variables);
  let opened: Promise<Renderer> | undefined;
  return lateRenderer(() => (opened ??= openStoredOutputs(job.variables, job, storage).then(decrypted)));
}

/** A renderer whose variables are read when it is first used. */
function lateRenderer(open: () => Promise<Renderer>): Renderer {
  return {
    text: async (template, extra) => (await open()).text(template, extra),
    value: async (written) => (await open()).value(written),
    values: async (written) => (await open()).values(written),
    properties: async (taskType, task) => (await open()).properties(taskType, task),
  };
}

function refusingRenderer(message: string, cause: unknown): Renderer {
  const refuse = (): Promise<never> => Promise.reject(new TaskFailure(message, undefined, cause));
  return { text: refuse, value: refuse, values: refuse, properties: refuse };
}

/**
 * What a worker found for the expressions of an executor's task, as it may be stored: values for the inputs of another
 * execution that show a secret are encrypted; that execution opens them again, or keeps them as they are. Other values
 * (of conditions, for example) are needed by the executor as they are.
 */
export function storableEvaluated(
  evaluated: PlainObject,
  job: Job,
  mask: SecretMask,
  key: string | undefined,
): PlainObject {
  const { inputs } = evaluated;
  if (key === undefined || inputs === undefined) return evaluated;
  const sealed = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') {
      return mask.hide(value) === value ? value : encryptedValue(key, `${job.taskRunId}/${path}`, value);
    }
    if (Array.isArray(value)) return value.map((item: unknown, index) => sealed(item, `${path}/${index}`));
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, sealed(member, `${path}/${name}`)] as const),
    );
  };
  return { ...evaluated, inputs: sealed(inputs, 'inputs') };
}
