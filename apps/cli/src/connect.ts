import { resolve } from 'node:path';
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

/** The named server, else the one that runs on the data folder; undefined when there is neither. */
export function findServer(choice: ServerChoice, context: CommandContext): Client | undefined {
  const folder = dataFolderOf(choice, context);
  const url = choice.server ?? folder.runningServer()?.url;
  if (url === undefined) return undefined;
  if (!/^https?:\/\/[^/]/.test(url)) {
    throw new CommandFailure(
      EXIT.usage,
      `'${url}' is not the address of a server: write it like http://localhost:8080`,
    );
  }
  const credentials = credentialsOf(choice, context, folder);
  return createClient({ url, ...(credentials ? { credentials } : {}) });
}

/** Like `findServer`, for commands that need one. */
export function connect(choice: ServerChoice, context: CommandContext): Client {
  const client = findServer(choice, context);
  if (client) return client;
  const { path } = dataFolderOf(choice, context);
  throw new CommandFailure(
    EXIT.unreachable,
    `No server runs on the data folder '${path}': start one with 'millrace server standalone', or name one with --server URL`,
  );
}

/** `--user`, then MILLRACE_USER and MILLRACE_PASSWORD, then the file in the data folder. */
export function credentialsOf(
  choice: ServerChoice,
  context: CommandContext,
  folder: DataFolder,
): Credentials | undefined {
  if (choice.user !== undefined) return parseCredentials(choice.user, '--user');
  const username = context.environment['MILLRACE_USER'];
  const password = context.environment['MILLRACE_PASSWORD'];
  if (username !== undefined && password !== undefined) return { username, password };
  if (username !== undefined || password !== undefined) {
    throw new CommandFailure(EXIT.usage, 'MILLRACE_USER and MILLRACE_PASSWORD belong together: set both or none');
  }
  return folder.credentials();
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
