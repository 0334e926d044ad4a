const FIRST_MS = 20;
const LONGEST_MS = 1_000;

/**
 * Waits before a request to a broker is repeated: longer with each failure in a row. Real time, not the queue's clock: a
 * broker cannot be simulated, and it answers by its own.
 */
export const waitForBroker = (failures: number): Promise<void> =>
  delay(Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 8)));

export const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
