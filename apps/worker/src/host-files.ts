import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Scope } from '@millrace/authorization';
import type { Job } from '@millrace/model';
import { namespaceFileUri, type Storage } from '@millrace/storage';
import type { ExpressionServices } from './expression-services.js';
import { neededText, optionalInteger, optionalText, type NamedArguments } from './host-arguments.js';
import { findLocalFile } from './local-files.js';
import { checkMayRead } from './task-files.js';

/** Bytes that `read()` gives to an expression; a larger file is for a task. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

export interface HostFileOptions {
  readonly job: Job;
  readonly storage: Storage;
  readonly services: ExpressionServices;
}

/** A file that an expression names. */
interface NamedFile {
  /** For messages. */
  readonly name: string;
  /** Bytes; undefined when there is no such file. */
  size(): Promise<number | undefined>;
  open(): Promise<AsyncIterable<Uint8Array | string>>;
}

type Functions = Readonly<Record<string, (args: NamedArguments) => Promise<unknown>>>;

/** `read`, `fileURI`, `fileSize`, `fileExists`, `isFileEmpty`. All reject with a sentence when the file must not be read. */
export function createFileFunctions(options: HostFileOptions): Functions {
  const sizeOf = async (args: NamedArguments): Promise<number> => {
    const file = await fileOf(args, options);
    return (await file.size()) ?? missing(file);
  };
  return {
    read: async (args) => text(await fileOf(args, options)),
    fileSize: sizeOf,
    isFileEmpty: async (args) => (await sizeOf(args)) === 0,
    fileExists: async (args) => (await (await fileOf(args, options)).size()) !== undefined,
    fileURI: (args) => uriOfNamespaceFile(args, options),
  };
}

const missing = ({ name }: NamedFile): never => {
  throw new Error(`there is no file ${name}`);
};

async function text(file: NamedFile): Promise<string> {
  const size = (await file.size()) ?? missing(file);
  if (size > READ_BYTES_MAX) {
    throw new Error(`${file.name} has ${size} bytes, and read() takes at most ${READ_BYTES_MAX}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of await file.open()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function fileOf(args: NamedArguments, options: HostFileOptions): Promise<NamedFile> {
  const path = neededText(args, 'path');
  if (path.startsWith('kestra://')) return stored(path, options);
  if (path.startsWith('file://')) return local(path, options.services);
  const address = namespaceAddress(args, options.job);
  const uri = await storedUri(address, options);
  return uri === undefined ? absent(`'${address.path}' in namespace '${address.namespace}'`) : stored(uri, options);
}

const absent = (name: string): NamedFile => ({
  name,
  size: () => Promise.resolve(undefined),
  open: () => Promise.reject(new Error(`there is no file ${name}`)),
});

function stored(uri: string, { job, storage }: HostFileOptions): NamedFile {
  checkMayRead(uri);
  const scope = Scope.system(job.tenant);
  return {
    name: `${uri} in internal storage`,
    async size() {
      const file = await storage.stat(scope, uri);
      return file?.kind === 'file' ? file.size : undefined;
    },
    open: () => storage.read(scope, uri),
  };
}

interface NamespaceAddress {
  readonly namespace: string;
  readonly path: string;
  readonly version: number | undefined;
}

/** `path`, `nsfile:///path` and `nsfile://namespace/path`; the argument `namespace` holds when the path names none. */
function namespaceAddress(args: NamedArguments, job: Job): NamespaceAddress {
  const written = neededText(args, 'path');
  const read = /^nsfile:\/\/([^/]*)\/(.+)$/.exec(written);
  if (!read && /^[a-z][a-z0-9+.-]*:\/\//i.test(written)) {
    throw new Error(`'${written}' is neither a file of a namespace nor a kestra:///, nsfile:/// or file:/// URI`);
  }
  const [, authority = '', path = written] = read ?? [];
  const namespace = authority === '' ? (optionalText(args, 'namespace') ?? job.namespace) : authority;
  return { namespace, path, version: optionalInteger(args, 'version') };
}

/** Undefined when there is no such file, as far as its versions are known here. */
async function storedUri(address: NamespaceAddress, { job, services }: HostFileOptions): Promise<string | undefined> {
  const { namespace, path, version } = address;
  if (!services.namespaceFiles) {
    return namespaceFileUri({ namespace, path, ...(version === undefined ? {} : { version }) });
  }
  const file = await services.namespaceFiles.find(Scope.system(job.tenant), namespace, path, version);
  return file === undefined || file.type === 'directory' ? undefined : services.namespaceFiles.uriOf(file);
}

async function uriOfNamespaceFile(args: NamedArguments, options: HostFileOptions): Promise<string> {
  const path = neededText(args, 'path');
  if (path.startsWith('kestra://'))
    throw new Error(`'${path}' is a URI already: fileURI() takes a file of a namespace`);
  const address = namespaceAddress(args, options.job);
  const uri = await storedUri(address, options);
  if (uri !== undefined) return uri;
  const version = address.version === undefined ? '' : `, version ${address.version}`;
  throw new Error(`there is no file '${address.path}' in namespace '${address.namespace}'${version}`);
}

/** A file of this machine: only below the folders that the configuration allows. */
async function local(uri: string, { localFilePaths = [] }: ExpressionServices): Promise<NamedFile> {
  const path = await findLocalFile(uri, localFilePaths);
  if (path === undefined) return absent(uri);
  return {
    name: uri,
    size: async () => (await stat(path)).size,
    open: () => Promise.resolve(createReadStream(path)),
  };
}
