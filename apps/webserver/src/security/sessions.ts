import { createHash, randomBytes } from 'node:crypto';
import type { Clock, UserAccount } from '@millrace/model';

const HOUR = 3_600_000;

/** Lifetime of sessions (spec security.md §1.4). */
export const SESSION_LIMITS = { idleMs: 8 * HOUR, absoluteMs: 24 * HOUR, perUser: 20, total: 10_000 } as const;

interface Session {
  readonly userId: string;
  readonly createdAt: number;
  readonly passwordChangedAt: number;
  lastSeen: number;
}

/**
 * Sessions of this process, in memory: a restart of the webserver ends them, and several webservers need sticky
 * sessions until sessions are resources. Only the hash of an id is kept.
 */
export interface Sessions {
  /** The new session's id, 256 random bits. */
  start(user: UserAccount): string;
  /** The session's user; undefined when it is unknown, ended, or older than the user's password. */
  find(id: string, userById: (userId: string) => UserAccount | undefined): UserAccount | undefined;
  end(id: string): void;
}

const hashOf = (id: string): string => createHash('sha256').update(id).digest('base64');

export function createSessions(clock: Clock): Sessions {
  const sessions = new Map<string, Session>();
  const endOldest = (mine: (session: Session) => boolean, kept: number): void => {
    const keys = [...sessions].filter(([, session]) => mine(session)).map(([key]) => key);
    for (const key of keys.slice(0, Math.max(0, keys.length - kept))) sessions.delete(key);
  };
  return {
    start(user) {
      endOldest(({ userId }) => userId === user.id, SESSION_LIMITS.perUser - 1);
      endOldest(() => true, SESSION_LIMITS.total - 1);
      const id = randomBytes(32).toString('base64url');
      const now = clock.now();
      sessions.set(hashOf(id), {
        userId: user.id,
        createdAt: now,
        lastSeen: now,
        passwordChangedAt: user.passwordChangedAt,
      });
      return id;
    },
    find(id, userById) {
      const key = hashOf(id);
      const session = sessions.get(key);
      if (!session) return undefined;
      const now = clock.now();
      const user = userById(session.userId);
      const alive =
        now - session.lastSeen < SESSION_LIMITS.idleMs && now - session.createdAt < SESSION_LIMITS.absoluteMs;
      if (!alive || user?.status !== 'ACTIVE' || user.passwordChangedAt !== session.passwordChangedAt) {
        sessions.delete(key);
        return undefined;
      }
      session.lastSeen = now;
      return user;
    },
    end: (id) => void sessions.delete(hashOf(id)),
  };
}
