import { plain, stateKeyParts, text } from './plain.js';
import type { TopicRecord } from './topics.js';

interface FlowSlots {
  readonly holders: Set<string>;
  readonly waiters: Set<string>;
}

/**
 * Who holds a slot of a flow and who waits for one, as the records of `flow-state` tell it in their order. What one
 * transaction wrote counts as one moment: its marker takes an offset, so a gap begins the next one.
 */
export class SlotsCheck {
  readonly #flows = new Map<string, FlowSlots>();
  /** By partition. */
  readonly #last = new Map<number, { readonly offset: number; readonly touched: Set<string> }>();

  constructor(
    private readonly limits: ReadonlyMap<string, number>,
    private readonly violations: string[],
  ) {}

  see({ partition, offset, key, value }: TopicRecord): void {
    const parts = stateKeyParts(key);
    const last = this.#last.get(partition);
    const isSameMoment = last !== undefined && last.offset + 1 === offset;
    if (last !== undefined && !isSameMoment) this.#compare(last.touched);
    const touched = isSameMoment ? last.touched : new Set<string>();
    this.#last.set(partition, { offset, touched });
    if (parts === undefined) return;
    touched.add(parts.key);
    const slots = this.#slotsOf(parts.key);
    slots.holders.delete(parts.id);
    slots.waiters.delete(parts.id);
    const { kind } = plain(value);
    if (kind === 'holder') slots.holders.add(parts.id);
    if (kind === 'waiter') slots.waiters.add(parts.id);
  }

  /** When everything has ended nobody holds a slot, and nobody waits. */
  finish(violations: string[]): void {
    for (const { touched } of this.#last.values()) this.#compare(touched);
    for (const [flow, { holders, waiters }] of this.#flows) {
      for (const id of holders) violations.push(`${flow}: a slot is still held: ${id}`);
      for (const id of waiters) violations.push(`${flow}: somebody still waits for a slot: ${id}`);
    }
  }

  #compare(keys: Iterable<string>): void {
    for (const key of keys) {
      const flowId = decodeURIComponent(text(key.split('/').at(-1)));
      const limit = this.limits.get(flowId);
      const count = this.#slotsOf(key).holders.size;
      if (limit !== undefined && count > limit)
        this.violations.push(`${flowId}: ${count} executions held a slot at a time, and ${limit} may`);
    }
  }

  #slotsOf(key: string): FlowSlots {
    const slots = this.#flows.get(key) ?? { holders: new Set(), waiters: new Set() };
    this.#flows.set(key, slots);
    return slots;
  }
}
