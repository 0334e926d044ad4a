import { parseDuration, seededRandom, type Retry } from '@millrace/model';

/** Attempts of one task run, whatever its retry says: each is kept in its record. */
export const ATTEMPTS_MAX = 500;

/**
 * When a task that just failed is tried again, in milliseconds since the epoch; undefined when it is not.
 *
 * `exponential` waits `interval`, then each time `delayFactor` times as long, at most `maxInterval` (conventions.md: truly
 * exponential, unlike the reference). `random` follows from `seed`, so that deciding twice gives the same date.
 *
 * @param attempts attempts so far, the failed one included
 * @param firstStart start of the first attempt
 */
export function nextRetry(
  retry: Retry,
  { attempts, firstStart, now, seed }: { attempts: number; firstStart: number; now: number; seed: string },
): number | undefined {
  const attemptsMax = Math.min(retry.maxAttempts ?? retry.maxAttempt ?? Infinity, ATTEMPTS_MAX);
  if (attempts >= attemptsMax) return undefined;
  const dueAt = now + Math.round(delayOf(retry, attempts, seed));
  const durationMax = millis(retry.maxDuration);
  return durationMax !== undefined && dueAt > firstStart + durationMax ? undefined : dueAt;
}

function delayOf(retry: Retry, attempts: number, seed: string): number {
  switch (retry.type) {
    case 'constant':
      return millis(retry.interval) ?? 0;
    case 'exponential': {
      const grown = (millis(retry.interval) ?? 0) * (retry.delayFactor ?? 2) ** (attempts - 1);
      return Math.min(grown, millis(retry.maxInterval) ?? Infinity);
    }
    case 'random': {
      const least = millis(retry.minInterval) ?? 0;
      const most = millis(retry.maxInterval) ?? least;
      return least + (most - least) * seededRandom(seed)();
    }
    default:
      return retry.type satisfies never;
  }
}

const millis = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDuration(text));
