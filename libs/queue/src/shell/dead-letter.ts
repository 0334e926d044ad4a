import { createTopics, type DeadLetterRecord, type Topic } from '@millrace/model';

/** Where records go that nobody could handle. Does not depend on the sizes of an installation. */
export const DEAD_LETTERS: Topic<DeadLetterRecord> = createTopics({
  executionPartitions: 1,
  resourcePartitions: 1,
}).deadLetters;

/** One sentence for people; the stack stays in the server's own log. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** What was thrown, as an Error. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(`Something that is no Error was thrown: ${String(thrown)}`);
