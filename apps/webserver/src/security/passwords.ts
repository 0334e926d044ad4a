import { hash, verify } from '@node-rs/argon2';
import { HttpError } from '../http/errors.js';

/** Argon2id's cost (spec security.md §1.2): `memoryKib` in KiB. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export const PASSWORD_COST: PasswordCost = { memoryKib: 32_768, passes: 3, lanes: 1 };

/** Verifications at a time and those that may wait: a flood of logins must not take the whole processor. */
const RUNNING_MAX = 2;
const WAITING_MAX = 50;

/** Argon2id of `@node-rs/argon2`: its enum is ambient and const, so its value is written out. */
const ARGON2ID = 2;

/** Hashes and verifies passwords, never on the event loop. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** True when the password is the one of the PHC string. @throws HttpError 503 when too many wait */
  verify(passwordHash: string, password: string): Promise<boolean>;
  /** Takes as long as `verify`; for users that do not exist. @throws HttpError 503 when too many wait */
  verifyNobody(password: string): Promise<void>;
  /** True when the hash was made with another cost than today's. */
  isOutdated(passwordHash: string): boolean;
}

export function createPasswords(cost: PasswordCost = PASSWORD_COST): Passwords {
  const limited = createLimit();
  const options = { algorithm: ARGON2ID, memoryCost: cost.memoryKib, timeCost: cost.passes, parallelism: cost.lanes };
  const make = (password: string): Promise<string> => limited(() => hash(password, options));
  let nobody: Promise<string> | undefined;
  return {
    hash: make,
    verify: (passwordHash, password) => limited(() => verify(passwordHash, password)),
    async verifyNobody(password) {
      nobody ??= hash('nobody has this password', options);
      const dummy = await nobody;
      await limited(() => verify(dummy, password));
    },
    isOutdated(passwordHash) {
      const wanted = `$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$`;
      return !passwordHash.startsWith('$argon2id$') || !passwordHash.includes(wanted);
    },
  };
}

/** At most `RUNNING_MAX` at a time, the others in turn. */
function createLimit(): <Value>(run: () => Promise<Value>) => Promise<Value> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (running >= RUNNING_MAX) {
      if (waiting.length >= WAITING_MAX) {
        throw new HttpError(503, 'Too many logins at a time; try again', { headers: { 'Retry-After': '1' } });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await run();
    } finally {
      // The place goes to the next one, so the count of running ones stays.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

const LENGTH_MIN = 12;
const LENGTH_MAX = 256;

/** The policy as clients of the reference read it. */
export const PASSWORD_PATTERN = `^.{${LENGTH_MIN},${LENGTH_MAX}}$`;

/** Passwords that open every list of common ones and are long enough to pass the length rule. */
const COMMON = new Set([
  'password1234',
  'passwordpassword',
  '123456789012',
  '1234567890123',
  'qwertyuiop123',
  'administrator',
  'letmeinletmein',
  'changeme1234',
  'adminadminadmin',
  'iloveyou1234',
]);

/** Every rule of the policy (spec security.md §1.2) that the password does not meet, in words. */
export function passwordFaults(password: string, username: string): readonly string[] {
  const lower = password.toLowerCase();
  const name = username.toLowerCase().split('@', 1)[0] ?? '';
  const faults: string[] = [];
  if ([...password].length < LENGTH_MIN) faults.push(`must have at least ${LENGTH_MIN} characters`);
  if ([...password].length > LENGTH_MAX) faults.push(`must have at most ${LENGTH_MAX} characters`);
  if (COMMON.has(lower)) faults.push('is one of the most common passwords');
  if (name.length >= 3 && lower.includes(name)) faults.push('must not contain the user name');
  if (lower.includes('millrace')) faults.push('must not contain the name of the product');
  return faults;
}

const USERNAME = /^[^:\u0000-\u001f\u007f]{1,256}$/;

/** What is wrong with a user name; undefined when nothing is. */
export const usernameFault = (username: string): string | undefined =>
  USERNAME.test(username) ? undefined : "must have 1 to 256 characters, without ':' and control characters";
