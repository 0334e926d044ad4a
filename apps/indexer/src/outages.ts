import type { Clock } from '@millrace/model';
import type { Logger } from '@millrace/service';

const FIRST_MS = 200;
const LONGEST_MS = 30_000;

/** What is tried again and again: writes by topic, and the like. Everybody waits for the same next try. */
interface Outage {
  readonly since: number;
  failures: number;
  pause: Promise<void> | undefined;
}

/**
 * Waits before what failed is tried again: longer with each failure in a row, and never in step with other indexers. The
 * log has one line when the first thing fails and one when all work again, however many tries there were.
 */
export class Outages {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #outages = new Map<string, Outage>();
  readonly #cancels = new Set<() => void>();
  #since = 0;
  #isOver = false;

  constructor(clock: Clock, log: Logger, random: () => number) {
    this.#clock = clock;
    this.#log = log;
    this.#random = random;
  }

  /** Resolves when the next try is due, or at once after `close`. */
  failed(what: string, error: unknown): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const now = this.#clock.now();
    const outage = this.#outages.get(what) ?? { since: now, failures: 0, pause: undefined };
    if (this.#outages.size === 0) {
      this.#since = now;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ what, reason }, 'The index cannot be written: the topics wait for it, and it is tried again');
    }
    this.#outages.set(what, outage);
    outage.pause ??= this.#wait(Math.min(LONGEST_MS, FIRST_MS * 2 ** outage.failures++)).then(() => {
      outage.pause = undefined;
    });
    return outage.pause;
  }

  worked(what: string): void {
    if (!this.#outages.delete(what) || this.#outages.size > 0) return;
    const seconds = (this.#clock.now() - this.#since) / 1_000;
    this.#log.info({ seconds }, 'The index is written again');
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isOver = true;
    for (const cancel of [...this.#cancels]) cancel();
  }

  /** Between half of the time and the whole. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#cancels.delete(cancel);
        resolve();
      };
      const stopTimer = this.#clock.after(ms * (0.5 + this.#random() / 2), end);
      const cancel = (): void => {
        stopTimer();
        end();
      };
      this.#cancels.add(cancel);
    });
  }
}
