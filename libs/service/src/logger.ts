import type { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from './contract.js';
import { readableLine } from './readable-log.js';

export interface LoggerOptions {
  /** Entries below it are dropped. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: text when the destination is a terminal, else json. */
  readonly format: 'auto' | 'json' | 'text';
  /** Usually stderr: a command's stdout is for its result. */
  readonly destination: Writable & { readonly isTTY?: boolean | undefined };
}

/** Members of an entry that may hold a credential, at the top and one level down; `Secret` values hide themselves. */
const CREDENTIAL_NAMES = [
  'password',
  'passwordHash',
  'token',
  'secret',
  'secretKey',
  'apiToken',
  'authorization',
  'cookie',
  'setCookie',
] as const;
const REDACTED = [
  ...CREDENTIAL_NAMES.flatMap((name) => [name, `*.${name}`]),
  '["set-cookie"]',
  'headers["set-cookie"]',
  'request.headers.authorization',
  'request.headers.cookie',
];

/** The server's own log: one JSON object a line, or one readable line on a terminal. Credentials are masked. */
export function createLogger({ level, format, destination }: LoggerOptions): Logger {
  const isReadable = format === 'text' || (format === 'auto' && destination.isTTY === true);
  const colour = destination.isTTY === true;
  const sink = isReadable
    ? { write: (line: string) => destination.write(readableLine(line, { colour })) }
    : destination;
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: REDACTED, censor: '***' } },
    sink,
  );
}
