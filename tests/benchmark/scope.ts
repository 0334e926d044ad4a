type End = () => unknown;

/** What a measurement has started: ended with it, however it ends, in the opposite order. */
export class Scope {
  readonly #ends: End[] = [];
  #isClosed = false;

  /** @param signal aborted when the measurement must end at once; its reason says why */
  constructor(readonly signal: AbortSignal) {}

  /** `end` is called when the scope is closed; at once when that has happened already. */
  async defer(end: End): Promise<void> {
    if (this.#isClosed) await end();
    else this.#ends.push(end);
  }

  /**
   * What comes of `starting`; it is ended with the scope, after its start when that is still under way.
   * @throws Error as `starting` does, and when the signal is aborted first
   */
  async started<Started>(starting: Promise<Started>, end: (started: Started) => unknown): Promise<Started> {
    await this.defer(() =>
      starting.then(
        (started) => end(started),
        () => undefined,
      ),
    );
    return unlessAborted(starting, this.signal);
  }

  /** Rejects with the first error of what could not be ended, when all had their turn. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const errors: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** Rejects with the signal's reason when it is aborted first; what `work` comes to then is nobody's concern. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
