import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '@millrace/authorization';
import { createTopics, outgoing, type Clock } from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import { resourceProcessor, type ResourceEffect } from '@millrace/registry';
import { createLocalStorage } from '@millrace/storage/local';
import { coalesceRefreshes, createCommands, type ResourceAccess } from '../src/index.js';

const topics = createTopics({ executionPartitions: 1, resourcePartitions: 4 });
export const MAIN = Scope.system('main');

/** A clock that stands still until it is moved; timers are real, for nothing here waits for one. */
export function createStandingClock(start = 1_000) {
  let now = start;
  const clock: Clock = {
    now: () => now,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
  return { clock, pass: (milliseconds: number) => void (now += milliseconds) };
}

/** The owner of resources on a real queue, a real storage, and as many servers as wanted that use both. */
export async function createInstallation() {
  const folder = mkdtempSync(join(tmpdir(), 'resources-'));
  const storage = createLocalStorage({ directory: folder });
  const { clock, pass } = createStandingClock();
  const queue = createMemoryQueue({ clock });
  const owner = await queue.process({
    processor: resourceProcessor(topics),
    context: () => undefined,
    outgoing(effect: ResourceEffect) {
      if (effect.kind !== 'reply') throw new Error('Here are no flows that others would follow');
      return outgoing({ topic: topics.replies, key: effect.replyTo, value: effect.reply });
    },
  });
  const closing: (() => void)[] = [];
  return {
    clock,
    pass,
    storage,
    async server(instance: string): Promise<ResourceAccess> {
      const view = await queue.view(topics.resources);
      const onError = (error: unknown): void => {
        throw error;
      };
      const commands = await createCommands({ queue, topics, instance, clock, onError });
      closing.push(() => {
        view.close();
        commands.close();
      });
      return { view, refresh: coalesceRefreshes(() => view.refresh()), change: commands.change };
    },
    async stop(): Promise<void> {
      for (const close of closing) close();
      await owner.close();
      await queue.close();
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Installation = Awaited<ReturnType<typeof createInstallation>>;
