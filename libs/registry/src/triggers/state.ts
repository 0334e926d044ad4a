import {
  TRIGGERS_OF_FLOW,
  triggerRecordId,
  type TriggerRecord,
  type TriggersOfFlow,
  type TriggerState,
} from '@millrace/model';

/** The records of one flow's triggers, as the queue's shell hands them out; in the shape of its contract. */
export interface TriggerRecords {
  get(id: string): TriggerRecord | undefined;
  put(id: string, record: TriggerRecord): void;
  remove(id: string): void;
  entries(): Iterable<readonly [string, TriggerRecord]>;
  onChange(listener: () => void): void;
}

/** What became true of a flow's triggers. */
export type TriggerFact =
  | { readonly kind: 'flow-set'; readonly flow: TriggersOfFlow }
  | { readonly kind: 'trigger-set'; readonly trigger: TriggerState }
  | { readonly kind: 'trigger-removed'; readonly triggerId: string }
  | { readonly kind: 'all-removed' };

/** The triggers of one flow. */
export class FlowTriggersState {
  readonly #records: TriggerRecords;
  /** Triggers at which nobody has looked since the state came into memory: what was due meanwhile was missed. */
  readonly #untouched = new Set<string>();
  #dueAt: number | undefined;
  #isDueKnown = false;

  constructor(records: TriggerRecords) {
    this.#records = records;
    for (const { triggerId } of this.triggers()) this.#untouched.add(triggerId);
    records.onChange(() => (this.#isDueKnown = false));
  }

  get flow(): TriggersOfFlow | undefined {
    const record = this.#records.get(TRIGGERS_OF_FLOW);
    return record?.kind === 'flow' ? record : undefined;
  }

  trigger(triggerId: string): TriggerState | undefined {
    const record = this.#records.get(triggerRecordId(triggerId));
    return record?.kind === 'trigger' ? record : undefined;
  }

  *triggers(): Iterable<TriggerState> {
    for (const [, record] of this.#records.entries()) if (record.kind === 'trigger') yield record;
  }

  isUntouched(triggerId: string): boolean {
    return this.#untouched.has(triggerId);
  }

  /** When the first of the triggers wants to be looked at. Counted again only after a change. */
  get dueAt(): number | undefined {
    if (!this.#isDueKnown) {
      this.#dueAt = undefined;
      for (const trigger of this.triggers()) {
        const due = dueAt(trigger);
        if (due !== undefined && (this.#dueAt === undefined || due < this.#dueAt)) this.#dueAt = due;
      }
      this.#isDueKnown = true;
    }
    return this.#dueAt;
  }

  /** Some execution's end is waited for. */
  get isLocked(): boolean {
    for (const { executionId } of this.triggers()) if (executionId !== undefined) return true;
    return false;
  }

  apply(fact: TriggerFact): void {
    switch (fact.kind) {
      case 'flow-set':
        return this.#records.put(TRIGGERS_OF_FLOW, fact.flow);
      case 'trigger-set':
        this.#untouched.delete(fact.trigger.triggerId);
        return this.#records.put(triggerRecordId(fact.trigger.triggerId), fact.trigger);
      case 'trigger-removed':
        this.#untouched.delete(fact.triggerId);
        return this.#records.remove(triggerRecordId(fact.triggerId));
      case 'all-removed':
        this.#untouched.clear();
        for (const [id] of [...this.#records.entries()]) this.#records.remove(id);
        return;
      default:
        return fact satisfies never;
    }
  }
}

/** When a trigger wants to be looked at; never while it is disabled, or locked by its last execution. */
export function dueAt({
  active,
  disabled,
  executionId,
  backfill,
  nextExecutionDate,
  notBefore,
}: TriggerState): number | undefined {
  if (!active || disabled || executionId !== undefined) return undefined;
  const date = backfill && !backfill.paused ? backfill.currentDate : nextExecutionDate;
  return date === undefined ? undefined : Math.max(date, notBefore ?? date);
}
