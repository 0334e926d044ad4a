import { Scope } from '@millrace/authorization';
import { isPlainObject, type Job } from '@millrace/model';
import { namespaceFileUri, type Storage, type StoredFile } from '@millrace/storage';
import type { SecretMask, SecretSource } from './secrets.js';
import { checkMayRead } from './task-files.js';

/** Bytes that `read()` gives to an expression; a larger file is for a task. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

export interface HostOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly secrets: SecretSource;
  readonly mask: SecretMask;
}

type Arguments = readonly unknown[];
type Named = Readonly<Record<string, unknown>>;

/**
 * Answers the functions of expressions that need files or secrets, for one job.
 * @throws Error with a sentence for functions that this worker does not have
 */
export function createHostFunctions(options: HostOptions) {
  const { job, storage } = options;
  const scope = Scope.system(job.tenant);

  const fileOf = (args: Arguments, named: Named): string => {
    const namespace = text(argument(args, named, 1, 'namespace'));
    if (namespace !== undefined && namespace !== job.namespace) {
      throw new Error(`files of namespace '${namespace}' cannot be read from namespace '${job.namespace}'`);
    }
    const uri = fileUri(job, needed(text(argument(args, named, 0, 'path')), 'path'));
    checkMayRead(job, uri);
    return uri;
  };
  const found = async (uri: string): Promise<StoredFile> => {
    const file = await storage.stat(scope, uri);
    if (file?.kind !== 'file') throw new Error(`there is no file ${uri} in internal storage`);
    return file;
  };
  const functions: Readonly<Record<string, (args: Arguments, named: Named) => unknown>> = {
    async read(args, named) {
      const uri = fileOf(args, named);
      const { size } = await found(uri);
      if (size > READ_BYTES_MAX)
        throw new Error(`${uri} has ${size} bytes, and read() takes at most ${READ_BYTES_MAX}`);
      const chunks: Buffer[] = [];
      for await (const chunk of await storage.read(scope, uri)) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks).toString('utf8');
    },
    fileSize: async (args, named) => (await found(fileOf(args, named))).size,
    isFileEmpty: async (args, named) => (await found(fileOf(args, named))).size === 0,
    fileExists: async (args, named) => (await storage.stat(scope, fileOf(args, named)))?.kind === 'file',
    secret: (args, named) => secretOf(options, args, named),
  };
  return {
    /** @param name of the function; arguments by position, then by name */
    call: async (name: string, args: Arguments, named: Named): Promise<unknown> => {
      const run = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (!run) throw new Error(`the function ${name}() is not available on this worker yet`);
      return run(args, named);
    },
  };
}

function fileUri(job: Job, path: string): string {
  if (path.startsWith('kestra://')) return path;
  const ownFile = path.startsWith('nsfile:///') ? path.slice('nsfile:///'.length) : path;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(ownFile)) {
    throw new Error(`'${path}' is neither a kestra:/// URI nor a file of this namespace`);
  }
  return namespaceFileUri({ namespace: job.namespace, path: ownFile });
}

function secretOf({ secrets, mask }: HostOptions, args: Arguments, named: Named): string {
  const key = needed(text(argument(args, named, 0, 'key')), 'key');
  const value = secrets.find(key);
  if (value === undefined)
    throw new Error(`there is no secret '${key}': set SECRET_${key.toUpperCase()} (base64) for the workers`);
  mask.add(value);
  const subkey = text(argument(args, named, 2, 'subkey'));
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

const argument = (args: Arguments, named: Named, position: number, name: string): unknown =>
  Object.hasOwn(named, name) ? named[name] : args[position];

function text(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  throw new Error('text was expected as an argument');
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new Error(`the argument '${name}' is missing`);
  return value;
}
