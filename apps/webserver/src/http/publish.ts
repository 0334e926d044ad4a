import type { OutgoingRecord } from '@millrace/model';
import { RECORD_LENGTH_MAX, QueueError, type Queue } from '@millrace/queue';
import { HttpError } from './errors.js';

/** What a caller sent, in words: its name at the start of a sentence, and how to make it smaller. */
export interface Sent {
  readonly what: string;
  readonly advice: string;
}

/** Publishes one record that holds what a caller sent. @throws HttpError 413 when the queue cannot store it */
export async function publishSent(queue: Queue, record: OutgoingRecord, { what, advice }: Sent): Promise<void> {
  try {
    await queue.publish([record]);
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== 'QUEUE_TOO_LARGE') throw error;
    const { length } = JSON.stringify(record.value);
    throw new HttpError(
      413,
      `${what} is too large to be stored: ${length} characters, at most ${RECORD_LENGTH_MAX}; ${advice}`,
      { cause: error },
    );
  }
}
