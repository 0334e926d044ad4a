import type { WorkOptions } from '../contract.js';
import { startJobLoop, type Working } from '../shell/job-loop.js';
import { KafkaJobSource } from './job-source.js';
import { removedTopic } from './job-topics.js';
import type { KafkaParts } from './parts.js';
import { SLOTS_TOPIC, type SlotBoard } from './slot-board.js';

export interface KafkaWorking extends Working {
  readonly isIdle: boolean;
}

/** A worker of a group: a consumer group on the jobs' topic decides whose partitions are whose. */
export async function startWorking(parts: KafkaParts, board: SlotBoard, options: WorkOptions): Promise<KafkaWorking> {
  const { topic } = options;
  await parts.topics.ensure([topic, removedTopic(topic), SLOTS_TOPIC]);
  await board.open();
  const source = new KafkaJobSource(parts, board, options);
  try {
    await source.open();
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
  const loop = startJobLoop(source, parts.clock, options);
  const failed = Promise.race([loop.failed, source.failed]);
  failed.catch(() => undefined);
  let drained: Promise<void> | undefined;
  return {
    failed,
    pause: () => loop.pause(),
    resume: () => loop.resume(),
    get freeSlots() {
      return loop.freeSlots;
    },
    get isIdle() {
      return source.isIdle;
    },
    async close() {
      await loop.close();
      await source.close();
    },
    drain() {
      // Its partitions go to others before the running jobs have ended.
      drained ??= (async () => {
        const ended = loop.drain();
        await source.close();
        await ended;
      })();
      return drained;
    },
    abandon() {
      loop.abandon();
      source.abandon();
    },
  };
}
