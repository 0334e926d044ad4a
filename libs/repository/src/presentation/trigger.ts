import {
  isoDate,
  shownNextDate,
  type Backfill,
  type PlainObject,
  type State,
  type TriggerState,
} from '@millrace/model';

/** A trigger's state as the API shows it (spec triggers.md §2). */
export interface TriggerView {
  readonly tenantId: string;
  readonly namespace: string;
  readonly flowId: string;
  readonly triggerId: string;
  readonly date: string;
  readonly nextExecutionDate?: string;
  readonly backfill?: BackfillView;
  readonly stopAfter?: readonly State[];
  readonly disabled: boolean;
  readonly executionId?: string;
  readonly updatedDate: string;
  readonly evaluateRunningDate?: string;
  readonly workerId?: string;
}

export interface BackfillView {
  readonly start: string;
  readonly end: string;
  readonly currentDate: string;
  readonly paused: boolean;
  readonly inputs?: PlainObject;
  readonly labels?: readonly { readonly key: string; readonly value: unknown }[];
  readonly previousNextExecutionDate?: string;
}

export function presentTrigger(trigger: TriggerState): TriggerView {
  const { tenant, namespace, flowId, triggerId, date, disabled, updatedDate } = trigger;
  return {
    tenantId: tenant,
    namespace,
    flowId,
    triggerId,
    date: isoDate(date),
    ...dateMember('nextExecutionDate', shownNextDate(trigger)),
    ...(trigger.backfill === undefined ? {} : { backfill: presentBackfill(trigger.backfill) }),
    ...(trigger.stopAfter === undefined ? {} : { stopAfter: trigger.stopAfter }),
    disabled,
    ...(trigger.executionId === undefined ? {} : { executionId: trigger.executionId }),
    updatedDate: isoDate(updatedDate),
    ...dateMember('evaluateRunningDate', trigger.evaluateRunningDate),
    ...(trigger.workerId === undefined ? {} : { workerId: trigger.workerId }),
  };
}

function presentBackfill({
  start,
  end,
  currentDate,
  paused,
  inputs,
  labels,
  previousNextExecutionDate,
}: Backfill): BackfillView {
  return {
    start: isoDate(start),
    end: isoDate(end),
    currentDate: isoDate(currentDate),
    paused,
    ...(inputs === undefined ? {} : { inputs }),
    ...(labels === undefined ? {} : { labels: Object.entries(labels).map(([key, value]) => ({ key, value })) }),
    ...dateMember('previousNextExecutionDate', previousNextExecutionDate),
  };
}

function dateMember<Name extends string>(name: Name, date: number | undefined): Partial<Record<Name, string>> {
  if (date === undefined) return {};
  const member: Partial<Record<Name, string>> = {};
  member[name] = isoDate(date);
  return member;
}
