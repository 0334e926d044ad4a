import type { Clock } from '@millrace/model';
import { RepositoryError } from '../contract.js';

/** After this the index counts as unreachable; milliseconds. */
const PATIENCE_MS = 5_000;
/** So long nobody else waits for an index that was just found unreachable. */
const REST_MS = 1_000;

/** What the index answered, or that it could not be reached in time. */
export type Reached<Answer> = { readonly answer: Answer } | { readonly unreachable: RepositoryError };

/** Asks an index that may be unreachable, or slow: nobody waits long for it, and not everybody anew. */
export class IndexAccess {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #failure: { readonly error: RepositoryError; readonly until: number } | undefined;
  #answeredAt = -Infinity;

  constructor(clock: Clock, patienceMs = PATIENCE_MS) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Why the index could not be reached a moment ago. */
  get failure(): RepositoryError | undefined {
    return this.#failure?.error;
  }

  /**
   * @param times how many requests it takes, roughly: so much more time it has
   * @throws what `ask` throws, but for the index being unreachable
   */
  async ask<Answer>(ask: () => Promise<Answer>, times = 1): Promise<Reached<Answer>> {
    const failed = this.#failure;
    const askedAt = this.#clock.now();
    if (failed !== undefined && askedAt < failed.until) return { unreachable: failed.error };
    try {
      const answer = await this.#inTime(ask(), this.#patienceMs * times);
      this.#failure = undefined;
      this.#answeredAt = this.#clock.now();
      return { answer };
    } catch (thrown) {
      if (!(thrown instanceof RepositoryError) || thrown.code !== 'UNAVAILABLE') throw thrown;
      // Others were answered meanwhile: it is this question that takes long.
      if (this.#answeredAt <= askedAt) this.#failure = { error: thrown, until: this.#clock.now() + REST_MS };
      return { unreachable: thrown };
    }
  }

  /** @throws RepositoryError UNAVAILABLE also when it is unreachable */
  async need<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const reached = await this.ask(ask);
    if ('answer' in reached) return reached.answer;
    throw reached.unreachable;
  }

  async #inTime<Answer>(asked: Promise<Answer>, patienceMs: number): Promise<Answer> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.after(patienceMs, () =>
        reject(
          new RepositoryError(
            'UNAVAILABLE',
            `The index has not answered within ${patienceMs / 1_000} s; ask again, or look whether Elasticsearch is overloaded`,
            true,
          ),
        ),
      );
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      cancel();
      // Whoever was not waited for fails for nobody.
      asked.catch(() => undefined);
    }
  }
}
