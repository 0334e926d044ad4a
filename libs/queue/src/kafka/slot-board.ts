import type { Topic } from '@millrace/model';
import type { DeclaredTopic } from './options.js';
import type { Feeds, Following } from './feeds.js';
import { createWorkerSlots, type SlotStatus, type WorkerSlots } from './worker-slots.js';

const HOUR_MS = 3_600_000;

/** Which worker has which partitions and how many free slots: told by the workers themselves, read by all who give jobs. */
export const SLOTS_TOPIC: Topic<SlotStatus> & DeclaredTopic = {
  name: 'worker-slots',
  kind: 'events',
  partitions: 1,
  retentionMs: HOUR_MS,
  // The brokers' time, against which the clocks of the servers are checked.
  settings: { 'message.timestamp.type': 'LogAppendTime' },
  decode: (stored) => {
    if (!isStatus(stored)) throw new Error('A record of worker-slots is not what a worker tells');
    return stored;
  },
};

const isStatus = (value: unknown): value is SlotStatus =>
  typeof value === 'object' &&
  value !== null &&
  'group' in value &&
  typeof value.group === 'string' &&
  'instance' in value &&
  typeof value.instance === 'string' &&
  'free' in value &&
  typeof value.free === 'number' &&
  'partitions' in value &&
  Array.isArray(value.partitions) &&
  value.partitions.every((partition) => Number.isInteger(partition));

/** `WorkerSlots` as this process sees them; read from the topic from the first use on. */
export interface SlotBoard {
  /** Follows the topic; resolves when it is followed. Repeats cost nothing. */
  open(): Promise<void>;
  readonly isOpen: boolean;
  readonly slots: WorkerSlots;
  onChange(listener: () => void): () => void;
  close(): void;
}

export function createSlotBoard(feeds: Feeds): SlotBoard {
  const slots = createWorkerSlots();
  const listeners = new Set<() => void>();
  let opening: Promise<Following> | undefined;
  let isOpen = false;

  function open(): Promise<Following> {
    return feeds.follow(
      SLOTS_TOPIC,
      (record) => {
        let status: SlotStatus;
        try {
          status = SLOTS_TOPIC.decode(record.parsed());
        } catch {
          // A hint that cannot be read is no hint.
          return;
        }
        slots.heard(status, Date.now());
        for (const listener of listeners) listener();
      },
      false,
    );
  }

  return {
    slots,
    async open() {
      opening ??= open().catch((thrown: unknown) => {
        opening = undefined;
        throw thrown;
      });
      await opening;
      isOpen = true;
    },
    get isOpen() {
      return isOpen;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => void opening?.then((following) => following.close()).catch(() => undefined),
  };
}
