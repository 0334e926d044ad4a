import { QueueError } from '../contract.js';

/** The `failed` promise of something that runs; nobody is forced to look at it. */
export interface Failure {
  readonly failed: Promise<never>;
  fail(thrown: unknown): void;
}

export function createFailure(): Failure {
  let reject: (thrown: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, refuse) => (reject = refuse));
  failed.catch(() => undefined);
  return { failed, fail: (thrown) => reject(thrown) };
}

export const isClosed = (thrown: unknown): boolean => thrown instanceof QueueError && thrown.code === 'QUEUE_CLOSED';

export const closedError = (): QueueError =>
  new QueueError('QUEUE_CLOSED', 'The queue of this process was closed; nothing more can be published or taken', false);
