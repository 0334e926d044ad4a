import { QueueError } from '../contract.js';
import type { KafkaParts } from './parts.js';
import { SLOTS_TOPIC } from './slot-board.js';

const TOLERANCE_MS = 2_000;

/**
 * Compares the host's clock with the brokers'. A server whose clock is off would decide due dates wrongly, and those after
 * it could not undo it (protocols.md part 1.6).
 * @throws QueueError QUEUE_MISMATCH with how far it is off
 */
export async function checkClock(
  { publisher, topics, clock }: Pick<KafkaParts, 'publisher' | 'topics' | 'clock'>,
  toleranceMs = TOLERANCE_MS,
): Promise<void> {
  await topics.ensure([SLOTS_TOPIC]);
  const record = { topic: SLOTS_TOPIC, partition: 0, key: 'clock', id: '', value: {}, text: '{}', broadcast: false };
  const before = clock.now();
  const written = await publisher.publish([record]);
  const after = clock.now();
  const brokerTime = written?.logAppendTime ?? -1;
  // An operator may have made the topic with other time stamps: then there is nothing to compare.
  if (brokerTime < 0) return;
  const offMs = brokerTime < before ? before - brokerTime : Math.max(0, brokerTime - after);
  if (offMs <= toleranceMs) return;
  throw new QueueError(
    'QUEUE_MISMATCH',
    `The clock of this host is ${(offMs / 1_000).toFixed(1)} s off the brokers', more than ${toleranceMs / 1_000} s: schedules and retries would come at wrong times. Set the clocks (NTP) and start again`,
    false,
  );
}
