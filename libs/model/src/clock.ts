/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** The only way to time for code that a simulation must be able to run: the real one, or a virtual one in tests. */
export interface Clock {
  now(): Instant;
  /** Calls `run` once, not before `delayMs` have passed. The answer cancels it; cancelling twice is harmless. */
  after(delayMs: number, run: () => void): () => void;
}

/** ISO-8601 in UTC with milliseconds, as the API answers dates. */
export const isoDate = (instant: Instant): string => new Date(instant).toISOString();
