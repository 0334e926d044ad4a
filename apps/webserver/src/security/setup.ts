import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { Clock } from '@millrace/model';
import type { Logger } from '@millrace/service';
import { HttpError } from '../http/errors.js';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const CODE_LENGTH = 16;
const CODE_VALID_MS = 3_600_000;
const CODE_TRIES = 5;

/** Who may create the first account (spec security.md §1.7): whoever sits at the machine, or knows the code of its log. */
export interface SetUp {
  /** Makes a new code and writes it to the log, once. */
  announce(log: Logger): void;
  /** @throws HttpError 403 when the request is neither local nor has the code */
  admit(request: Request, code: string | undefined): void;
}

export function createSetUp(clock: Clock): SetUp {
  let code: { readonly text: string; readonly until: number; triesLeft: number } | undefined;
  return {
    announce(log) {
      const text = [...randomBytes(CODE_LENGTH)].map((byte) => BASE32[byte % BASE32.length]).join('');
      code = { text, until: clock.now() + CODE_VALID_MS, triesLeft: CODE_TRIES };
      log.warn(
        {},
        `No account exists yet. To create the first one from another machine use the set-up code ${text} (valid for one hour)`,
      );
    },
    admit(request, given) {
      if (isLocal(request)) return;
      const refused = new HttpError(
        403,
        'The first account is created from the machine itself, or with the set-up code in its log',
        {
          members: { code: 'setup-code-required' },
        },
      );
      if (given === undefined || !code || code.until <= clock.now() || code.triesLeft <= 0) throw refused;
      code.triesLeft--;
      const [one, other] = [Buffer.from(given.padEnd(CODE_LENGTH).slice(0, 64)), Buffer.from(code.text)];
      if (one.length !== other.length || !timingSafeEqual(one, other)) throw refused;
    },
  };
}

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** True for a peer on this machine that was not passed on by a proxy. */
export function isLocal(request: Request): boolean {
  const { headers } = request;
  if (Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'))) return false;
  return isLoopback(request.socket.remoteAddress ?? '') && LOCAL_HOST.test(headers.host ?? '');
}

export const isLoopback = (address: string): boolean =>
  address === '::1' || address === 'localhost' || /^(::ffff:)?127\./.test(address);
