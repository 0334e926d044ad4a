import type { Scope } from '@millrace/authorization';
import { flowKey, type FlowRecord, type SlotsRecord } from '@millrace/model';
import type { View } from '@millrace/queue';

/** How many executions of a flow run at a time, as the API shows it. */
export interface ConcurrencyLimit {
  readonly tenantId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly running: number;
}

/** Flows that limit, or have limited, their concurrent executions: this server's copy of their slots. */
export interface Slots {
  /** Those that a scope covers, by namespace and id. */
  all(scope: Scope): readonly ConcurrencyLimit[];
  one(scope: Scope, namespace: string, flowId: string): ConcurrencyLimit | undefined;
  /** Resolves when this server sees what was changed before the call. */
  refresh(): Promise<void>;
  close(): void;
}

export function createSlots(view: View<FlowRecord>): Slots {
  const shown = (scope: Scope, key: string): ConcurrencyLimit | undefined => {
    const records = view.records(key);
    let slots: SlotsRecord | undefined;
    let running = 0;
    for (const record of records.values()) {
      if (record.kind === 'slots') slots = record;
      else if (record.kind === 'holder') running++;
    }
    if (!slots || slots.tenant !== scope.tenant || !scope.covers(slots.namespace)) return undefined;
    return { tenantId: slots.tenant, namespace: slots.namespace, flowId: slots.flowId, running };
  };
  return {
    all: (scope) =>
      [...view.keys()]
        .flatMap((key) => shown(scope, key) ?? [])
        .sort((one, other) => compare(one.namespace, other.namespace) || compare(one.flowId, other.flowId)),
    one: (scope, namespace, flowId) => shown(scope, flowKey(scope.tenant, namespace, flowId)),
    refresh: () => view.refresh(),
    close: () => view.close(),
  };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
