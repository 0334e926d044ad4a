import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { Scope } from '@millrace/authorization';
import { encryptText, type AsyncHost } from '@millrace/expression';
import { isLiveKeyValue, type Clock, type Job } from '@millrace/model';
import type { ExpressionFunction, FunctionContext } from '@millrace/plugin-api';
import type { Storage } from '@millrace/storage';
import type { ExpressionServices } from './expression-services.js';
import { flag, namedArguments, neededText, optionalText, type NamedArguments } from './host-arguments.js';
import { createFileFunctions } from './host-files.js';
import { secretOf } from './host-secret.js';
import type { SecretMask, SecretSource } from './secrets.js';

const IV_BYTES = 12;

export interface HostOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly secrets: SecretSource;
  readonly mask: SecretMask;
  readonly services?: ExpressionServices;
  readonly clock?: Pick<Clock, 'now'>;
  /** A function that a plugin brings. */
  readonly findFunction?: (name: string) => ExpressionFunction | undefined;
  /** What such functions work with. */
  readonly context?: () => FunctionContext;
}

/**
 * Answers the functions of expressions that need files, secrets, key-values, randomness or the network, for one job.
 * Its calls reject with a sentence that says what is missing or wrong.
 */
export function createHostFunctions(options: HostOptions): AsyncHost {
  const { job, storage, services = {}, findFunction, context } = options;
  const functions: Readonly<Record<string, (args: NamedArguments) => unknown>> = {
    ...createFileFunctions({ job, storage, services }),
    secret: (args) => secretOf(args, options),
    kv: (args) => keyValueOf(args, options),
    encrypt: (args) => encryptText(neededText(args, 'key'), plaintextOf(args), randomBytes(IV_BYTES)),
    randomPort: freePort,
  };
  return {
    async call(name, args, named) {
      const bound = namedArguments(name, args, named);
      const own = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (own) return own(bound);
      const ofPlugin = findFunction?.(name);
      if (ofPlugin && context) return ofPlugin(bound, context());
      throw new Error(`the function ${name}() is not available on this worker: install the plugin that brings it`);
    },
  };
}

function plaintextOf(args: NamedArguments): string {
  const text = optionalText(args, 'plaintext');
  if (text === undefined) throw new Error("the argument 'plaintext' is missing");
  return text;
}

/** Without a namespace: of the flow's namespace or the nearest parent that has the key. */
async function keyValueOf(args: NamedArguments, { job, services, clock }: HostOptions): Promise<unknown> {
  const keyValues = services?.keyValues;
  if (!keyValues) throw new Error('kv() is not available on this worker: it was started without key-values');
  const key = neededText(args, 'key');
  const namespace = optionalText(args, 'namespace');
  const scope = Scope.system(job.tenant);
  const found =
    namespace === undefined
      ? await keyValues.findInherited(scope, job.namespace, key)
      : await keyValues.find(scope, namespace, key);
  if (found && isLiveKeyValue(found, clock?.now() ?? 0)) return found.value;
  if (!flag(args, 'errorOnMissing', true)) return null;
  const place = namespace === undefined ? `'${job.namespace}' and those above it` : `'${namespace}'`;
  throw new Error(
    found
      ? `the key '${key}' in namespace '${found.namespace}' has expired`
      : `there is no key '${key}' in namespace ${place}; errorOnMissing=false gives null instead`,
  );
}

/** A port that nothing listens at now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
