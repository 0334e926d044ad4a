import { SlotState, type SlotFact } from './state.js';

/**
 * Broken on purpose: holders are counted instead of kept as a set. Only the simulation opens it, to show that its checks
 * notice what repeats do then.
 */
export class CountedSlotState extends SlotState {
  override get holders(): number {
    return this.slots?.counted ?? 0;
  }

  override isHolder(): boolean {
    return false;
  }

  override knows(): boolean {
    return true;
  }

  override evolve(fact: SlotFact): void {
    const change =
      fact.kind === 'slot-held' ? 1 : fact.kind === 'slot-left' && !this.isWaiter(fact.executionId) ? -1 : 0;
    super.evolve(fact);
    if (change !== 0 && this.slots) {
      super.evolve({ kind: 'slots-set', slots: { ...this.slots, counted: this.holders + change } });
    }
  }
}
