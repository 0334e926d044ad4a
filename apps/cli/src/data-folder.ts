import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPlainObject } from '@millrace/model';
import type { Credentials } from './client/http.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { fileFailure, makeFolder } from './files.js';

/** How a running standalone server is found by commands on the same machine. */
export interface ServerAddress {
  readonly url: string;
  readonly pid: number;
}

/** The folder that holds everything of a standalone server: database, storage, account, and where it listens. */
export interface DataFolder {
  readonly path: string;
  /** The server that runs on this folder; a record left by one that died is removed. */
  runningServer(): ServerAddress | undefined;
  announce(address: ServerAddress): void;
  /** Removes the announcement of this process, and of no other. */
  withdraw(pid: number): void;
  credentials(): Credentials | undefined;
  keepCredentials(credentials: Credentials): void;
  forgetCredentials(): void;
}

const SERVER_FILE = 'server.json';
const CREDENTIALS_FILE = 'credentials.json';
/** For the owner's eyes only. */
const PRIVATE = 0o600;

export function openDataFolder(path: string): DataFolder {
  const serverFile = join(path, SERVER_FILE);
  const credentialsFile = join(path, CREDENTIALS_FILE);
  const runningServer = (): ServerAddress | undefined => {
    const { url, pid } = readObject(serverFile) ?? {};
    if (typeof url !== 'string' || typeof pid !== 'number') return undefined;
    // This process announces itself after it has looked: its own id is that of one that died, as in containers.
    if (pid !== process.pid && isAlive(pid) && URL.canParse(url)) return { url, pid };
    rmSync(serverFile, { force: true });
    return undefined;
  };
  return {
    path,
    runningServer,
    announce: (address) => writePrivate(path, serverFile, address),
    withdraw: (pid) => {
      if (readObject(serverFile)?.['pid'] === pid) rmSync(serverFile, { force: true });
    },
    credentials: () => {
      const { username, password } = readObject(credentialsFile) ?? {};
      return typeof username === 'string' && typeof password === 'string' ? { username, password } : undefined;
    },
    keepCredentials: (credentials) => writePrivate(path, credentialsFile, credentials),
    forgetCredentials: () => rmSync(credentialsFile, { force: true }),
  };
}

/** Creates the folder, for the owner only, when it is not there. */
export function makeDataFolder(path: string): void {
  try {
    makeFolder(path, 0o700);
  } catch (error) {
    const why = isPlainObject(error) && error['code'] === 'ENOENT' ? 'no folder can be made there' : fileFailure(error);
    throw new CommandFailure(EXIT.failed, `Cannot make the data folder '${path}': ${why}`, { cause: error });
  }
}

/**
 * From now on this process, and those that it starts, make files that only their owner can read: what a server writes
 * may be secret, and its folder may be open to everybody.
 */
export function makePrivateFilesOnly(): void {
  process.umask(0o077);
}

function readObject(file: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isPlainObject(error) && (error['code'] === 'ENOENT' || error['code'] === 'ENOTDIR')) return undefined;
    throw new CommandFailure(EXIT.failed, `Cannot read '${file}': ${String(error)}`, { cause: error });
  }
  try {
    const content: unknown = JSON.parse(text);
    return isPlainObject(content) ? content : undefined;
  } catch (error) {
    throw new CommandFailure(EXIT.failed, `'${file}' is damaged: remove it`, { cause: error });
  }
}

/** Readers see the old file or the new one, never a part; nobody else can read it, not even for a moment. */
function writePrivate(folder: string, file: string, content: object): void {
  makeDataFolder(folder);
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: PRIVATE, flag: 'wx' });
  chmodSync(temporary, PRIVATE);
  renameSync(temporary, file);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    return isPlainObject(error) && error['code'] === 'EPERM';
  }
}
