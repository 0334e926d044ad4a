import { createTopics, type Reply, type Resource, type ResourceChange, type ResourceCommand } from '@millrace/model';
import { resourceProcessor } from '../src/index.js';

const processor = resourceProcessor(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));

/** The records of one key, and the replies to the commands that it was sent. */
export class Key {
  readonly records = new Map<string, Resource>();
  readonly replies: Reply[] = [];
  #commands = 0;

  send(
    change: ResourceChange,
    { commandId = `command-${++this.#commands}`, at = 5 }: { readonly commandId?: string; readonly at?: number } = {},
  ): Reply['outcome'] {
    const command: ResourceCommand = { commandId, replyTo: 'webserver-1', at, change };
    const state = {
      get: (id: string) => this.records.get(id),
      put: (id: string, record: Resource) => void this.records.set(id, record),
      remove: (id: string) => void this.records.delete(id),
      entries: () => this.records.entries(),
    };
    const { facts, effects } = processor.decide(state, command);
    for (const fact of facts) processor.evolve(state, fact);
    expect(effects.filter(({ kind }) => kind === 'reply')).toHaveLength(1);
    for (const effect of effects) {
      if (effect.kind !== 'reply') continue;
      expect(effect.replyTo).toBe('webserver-1');
      this.replies.push(effect.reply);
    }
    const last = this.replies.at(-1);
    if (last?.commandId !== commandId) throw new Error('The command was not answered');
    return last.outcome;
  }
}
