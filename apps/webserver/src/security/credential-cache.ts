import { createHmac, randomBytes } from 'node:crypto';
import type { Clock, UserAccount } from '@millrace/model';

const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 1_000;

/** Keys that do not give away what they were made of, with a secret that never leaves the process. */
function createKeys(): (parts: readonly string[]) => string {
  const secret = randomBytes(32);
  return (parts) => createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64');
}

/** Work under way: whoever asks for the same meanwhile gets its result, so that a burst costs as much as one. */
export interface UnderWay<Value> {
  /** `parts` say what is the same; they may be secret. */
  share(parts: readonly string[], run: () => Promise<Value>): Promise<Value>;
}

export function createUnderWay<Value>(): UnderWay<Value> {
  const keyOf = createKeys();
  const running = new Map<string, Promise<Value>>();
  return {
    share(parts, run) {
      const key = keyOf(parts);
      const known = running.get(key);
      if (known) return known;
      const started = run().finally(() => running.delete(key));
      running.set(key, started);
      return started;
    },
  };
}

/**
 * Credentials that were verified lately, so that a client with Basic does not cost 32 ms of CPU with each request. Kept
 * under a keyed hash whose key never leaves the process; failures are never kept; a changed password or a disabled user
 * makes an entry void at once.
 */
export interface CredentialCache {
  find(username: string, password: string, userById: (id: string) => UserAccount | undefined): UserAccount | undefined;
  keep(username: string, password: string, user: UserAccount): void;
}

export function createCredentialCache(clock: Clock): CredentialCache {
  const keyOf = createKeys();
  const entries = new Map<
    string,
    { readonly userId: string; readonly passwordChangedAt: number; readonly until: number }
  >();
  return {
    find(username, password, userById) {
      const key = keyOf([username, password]);
      const entry = entries.get(key);
      if (!entry) return undefined;
      const user = userById(entry.userId);
      if (entry.until > clock.now() && user?.status === 'ACTIVE' && user.passwordChangedAt === entry.passwordChangedAt)
        return user;
      entries.delete(key);
      return undefined;
    },
    keep(username, password, { id, passwordChangedAt }) {
      if (entries.size >= KEPT_MAX) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
      entries.set(keyOf([username, password]), { userId: id, passwordChangedAt, until: clock.now() + KEPT_MS });
    },
  };
}
