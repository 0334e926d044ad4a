import { connect as connectSocket } from 'node:net';
import { resolve } from 'node:path';
import { isPlainObject } from '@millrace/model';
import { createClient, type Client } from './client/client.js';
import type { Credentials } from './client/http.js';
import type { CommandContext } from './context.js';
import { openDataFolder, type DataFolder } from './data-folder.js';
import { CommandFailure, EXIT } from './exit-code.js';

/** How a command is told which server it should talk to. */
export interface ServerChoice {
  /** `--server`. */
  readonly server?: string;
  /** `--user NAME:PASSWORD`. */
  readonly user?: string;
  /** `--data`. */
  readonly data?: string;
}

/** Where the data folder is: flag, then MILLRACE_DATA_PATH, then `.millrace` in the working directory. */
export function dataFolderOf({ data }: ServerChoice, { workingDirectory, environment }: CommandContext): DataFolder {
  return openDataFolder(resolve(workingDirectory, data ?? environment['MILLRACE_DATA_PATH'] ?? '.millrace'));
}

/**
 * The named server, else the one that runs on the data folder; undefined when there is neither. The account that the
 * folder holds is for the folder's own server: no other gets it.
 */
export async function findServer(choice: ServerChoice, context: CommandContext): Promise<Client | undefined> {
  const folder = dataFolderOf(choice, context);
  const own = folder.runningServer()?.url;
  const given = givenCredentials(choice, context);
  if (choice.server === undefined) {
    // The process id may have gone to another program, as in containers: the server itself has to be there.
    if (own === undefined || !(await isListening(own))) return undefined;
    return clientOf(own, given ?? folder.credentials());
  }
  const url = checkedAddress(choice.server);
  const isOwn = own !== undefined && new URL(own).origin === new URL(url).origin;
  return clientOf(url, given ?? (isOwn ? folder.credentials() : undefined));
}

const clientOf = (url: string, credentials: Credentials | undefined): Client =>
  createClient({ url, ...(credentials ? { credentials } : {}) });

function checkedAddress(url: string): string {
  if (/^https?:\/\/[^/]/.test(url) && URL.canParse(url)) return url;
  throw new CommandFailure(EXIT.usage, `'${url}' is not the address of a server: write it like http://localhost:8080`);
}

/** False only when the machine refuses the connection; any other trouble is told by the request that follows. */
function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((done) => {
    const socket = connectSocket({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', (error) => done(!isPlainObject(error) || error['code'] !== 'ECONNREFUSED'));
  });
}

/** Like `findServer`, for commands that need one. */
export async function connect(choice: ServerChoice, context: CommandContext): Promise<Client> {
  const client = await findServer(choice, context);
  if (client) return client;
  const { path } = dataFolderOf(choice, context);
  throw new CommandFailure(
    EXIT.unreachable,
    `No server runs on the data folder '${path}': start one with 'millrace server standalone', or name one with --server URL`,
  );
}

/** `--user`, else MILLRACE_USER and MILLRACE_PASSWORD. */
export function givenCredentials({ user }: ServerChoice, { environment }: CommandContext): Credentials | undefined {
  if (user !== undefined) return parseCredentials(user, '--user');
  const username = environment['MILLRACE_USER'];
  const password = environment['MILLRACE_PASSWORD'];
  if (username !== undefined && password !== undefined) return { username, password };
  if (username !== undefined || password !== undefined) {
    throw new CommandFailure(EXIT.usage, 'MILLRACE_USER and MILLRACE_PASSWORD belong together: set both or none');
  }
  return undefined;
}

/** `name:password`; the password may hold colons. The text is never repeated in the message. */
export function parseCredentials(text: string, flag: string): Credentials {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1) {
    throw new CommandFailure(
      EXIT.usage,
      `${flag} wants a user name and a password with a colon between them: ${flag} ada:…`,
    );
  }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
