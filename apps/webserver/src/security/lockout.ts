import { isIPv6 } from 'node:net';
import type { Clock } from '@millrace/model';

const MINUTE = 60_000;

/** Failed logins (spec security.md §1.6). */
export const LOCKOUT = {
  threshold: 10,
  windowMs: 5 * MINUTE,
  lockMs: 30 * MINUTE,
  networkThreshold: 100,
  networkWindowMs: 15 * MINUTE,
  verificationsPerSecond: 20,
  countersMax: 10_000,
} as const;

export type LoginCheck =
  | { readonly kind: 'open' }
  /** Answered like a wrong password. */
  | { readonly kind: 'locked' }
  | { readonly kind: 'limited'; readonly status: 429 | 503; readonly retryAfterSeconds: number };

/** Counts failed logins by (account, network) and by network, in memory of this process. */
export interface Lockout {
  check(username: string, address: string): LoginCheck;
  failed(username: string, address: string): void;
  succeeded(username: string, address: string): void;
}

/** The network of an address: /24 of IPv4, /64 of IPv6. */
export function networkOf(address: string): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!isIPv6(plain)) return plain.split('.').slice(0, 3).join('.');
  const [before = '', after] = plain.split('%', 1)[0]?.split('::') ?? [];
  const head = before.split(':').filter((part) => part !== '');
  const tail = after === undefined ? [] : after.split(':').filter((part) => part !== '');
  const groups =
    after === undefined
      ? head
      : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

interface Counter {
  failures: number;
  windowEnds: number;
  lockedUntil: number;
}

export function createLockout(clock: Clock): Lockout {
  const accounts = createCounters(clock);
  const networks = createCounters(clock);
  let second = 0;
  let verifications = 0;
  const keyOf = (username: string, address: string): string =>
    `${networkOf(address)} ${username.normalize('NFC').toLowerCase()}`;
  return {
    check(username, address) {
      const now = clock.now();
      const network = networks.find(networkOf(address));
      if (network && network.failures >= LOCKOUT.networkThreshold) {
        return { kind: 'limited', status: 429, retryAfterSeconds: Math.ceil((network.windowEnds - now) / 1_000) };
      }
      if (second !== Math.floor(now / 1_000)) [second, verifications] = [Math.floor(now / 1_000), 0];
      if (++verifications > LOCKOUT.verificationsPerSecond)
        return { kind: 'limited', status: 503, retryAfterSeconds: 1 };
      const account = accounts.find(keyOf(username, address));
      return account && account.lockedUntil > now ? { kind: 'locked' } : { kind: 'open' };
    },
    failed(username, address) {
      const account = accounts.count(keyOf(username, address), LOCKOUT.windowMs);
      if (account.failures >= LOCKOUT.threshold && account.lockedUntil <= clock.now()) {
        account.lockedUntil = clock.now() + LOCKOUT.lockMs;
      }
      networks.count(networkOf(address), LOCKOUT.networkWindowMs);
    },
    succeeded: (username, address) => accounts.forget(keyOf(username, address)),
  };
}

/** Counters by key; the oldest one goes when there are too many, so that strangers cannot fill the memory. */
function createCounters(clock: Clock) {
  const counters = new Map<string, Counter>();
  const find = (key: string): Counter | undefined => {
    const counter = counters.get(key);
    if (counter && counter.windowEnds <= clock.now() && counter.lockedUntil <= clock.now()) {
      counters.delete(key);
      return undefined;
    }
    return counter;
  };
  return {
    find,
    count(key: string, windowMs: number): Counter {
      const counter = find(key) ?? { failures: 0, windowEnds: clock.now() + windowMs, lockedUntil: 0 };
      counter.failures++;
      counters.set(key, counter);
      if (counters.size > LOCKOUT.countersMax) {
        for (const oldest of counters.keys()) {
          counters.delete(oldest);
          break;
        }
      }
      return counter;
    },
    forget: (key: string): void => void counters.delete(key),
  };
}
