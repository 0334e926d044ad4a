/// <reference types="jest" />
import { waitingContract } from './waiting.js';
import { crashingContract } from './crashing.js';
import { followingContract } from './following.js';
import type { MakeHarness, QueueDifferences } from './harness.js';
import { processingContract } from './processing.js';
import { purgingContract } from './purging.js';
import { publishingContract, readingContract } from './publishing.js';
import { retentionContract } from './retention.js';
import { workingContract } from './working.js';

export { createManualClock, type ManualClock } from './clock.js';
export { settleHere } from './harness.js';
export type { MakeHarness, QueueDifferences, QueueHarness, Server } from './harness.js';

/** The contract of `@millrace/queue`, as tests; run it for every adapter. Only callable under Jest. */
export function queueContract(name: string, makeHarness: MakeHarness, differences: QueueDifferences): void {
  describe(`queue: ${name}`, () => {
    describe('publishing', () => publishingContract(makeHarness));
    describe('reading', () => readingContract(makeHarness));
    describe('following', () => followingContract(makeHarness));
    describe('records that remove others', () => purgingContract(makeHarness));
    describe('processing', () => processingContract(makeHarness));
    describe('crashing', () => crashingContract(makeHarness, differences));
    describe('keys that have ended', () => retentionContract(makeHarness, differences));
    describe('working', () => workingContract(makeHarness));
    describe('what waits', () => waitingContract(makeHarness));
  });
}
