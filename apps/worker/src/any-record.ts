import type { OutgoingRecord } from '@millrace/model';

/**
 * A record among those of other topics. Its value was checked against its own topic here; the queue hands it to no
 * other topic's functions, which is what the wider type cannot say.
 */
export const anyRecord = <Value>(record: OutgoingRecord<Value>): OutgoingRecord => record as OutgoingRecord<unknown>;
