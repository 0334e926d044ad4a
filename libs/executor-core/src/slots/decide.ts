import { excerpt, type FlowEvent, type SlotAnswered, type SlotsRecord } from '@millrace/model';
import type { SlotFact, SlotView } from './state.js';

/** Waiters that one decision lets in; the rest follows in further steps. */
const GRANTS_PER_STEP = 100;

export interface SlotDecision {
  readonly facts: readonly SlotFact[];
  readonly effects: readonly SlotAnswered[];
  readonly next: readonly FlowEvent[];
}

type Keyed = Extract<FlowEvent, { flowId: string }>;
type SlotEvent = Extract<FlowEvent, { executionId: string }>;

const NOTHING: SlotDecision = { facts: [], effects: [], next: [] };
const FREED: FlowEvent = { kind: 'slots-freed' };

/**
 * What follows for the slots of a flow. Holders are a set: an event that is repeated, or that comes after an execution has
 * left, changes nothing. The limit is that of the newest revision that was saved.
 */
export function decideSlots(view: SlotView, event: FlowEvent | { readonly kind: 'wake' }): SlotDecision {
  switch (event.kind) {
    case 'slot-requested':
      return requested(view, event);
    case 'slot-released':
      return released(view, event);
    case 'slot-taken':
      return taken(view, event);
    case 'flow-changed':
      return changed(view, event);
    case 'slots-recounted':
      return recounted(view, event);
    case 'slots-freed':
      return freed(view);
    case 'continued':
    case 'wake':
      return NOTHING;
    default:
      return event satisfies never;
  }
}

/** True when an execution more would be one too many. */
const isFull = ({ slots, holders }: SlotView): boolean => slots?.limit !== undefined && holders >= slots.limit.limit;

/** The flow's record, when there is none yet. */
const noted = (view: SlotView, { tenant, namespace, flowId }: Keyed): readonly SlotFact[] =>
  view.slots
    ? []
    : [{ kind: 'slots-set', slots: { kind: 'slots', tenant, namespace, flowId, revision: 0, nextPlace: 0 } }];

const answer = (
  { tenant, namespace, flowId }: Pick<SlotsRecord, 'tenant' | 'namespace' | 'flowId'>,
  executionId: string,
  to: SlotAnswered['answer'],
  message?: string,
): SlotAnswered => ({
  kind: 'slot-answered',
  tenant,
  executionId,
  namespace,
  flowId,
  answer: to,
  ...(message === undefined ? {} : { message }),
});

/** What an execution is told whose request cannot be decided: it must not wait for ever. */
export function failSlots(event: FlowEvent | { readonly kind: 'wake' }, fault: Error): SlotDecision {
  if (event.kind !== 'slot-requested') return NOTHING;
  const reason = `The slots of the flow could not be looked at: ${excerpt(fault.message, 500)}`;
  return { ...NOTHING, effects: [answer(event, event.executionId, 'failed', reason)] };
}

function requested(view: SlotView, event: SlotEvent): SlotDecision {
  const { executionId } = event;
  if (view.isHolder(executionId)) return { ...NOTHING, effects: [answer(event, executionId, 'granted')] };
  if (view.isWaiter(executionId)) return { ...NOTHING, effects: [answer(event, executionId, 'queued')] };
  const facts = noted(view, event);
  if (!isFull(view) && view.waiters === 0) {
    return {
      facts: [...facts, { kind: 'slot-held', executionId }],
      effects: [answer(event, executionId, 'granted')],
      next: [],
    };
  }
  const { limit = 0, behavior = 'QUEUE' } = view.slots?.limit ?? {};
  const reason = `The flow '${excerpt(`${event.namespace}.${event.flowId}`, 200)}' runs ${limit} executions at a time, and so many are running`;
  if (behavior === 'QUEUE') {
    return {
      facts: [...facts, { kind: 'slot-awaited', executionId }],
      effects: [answer(event, executionId, 'queued', `${reason}: this one waits`)],
      next: [],
    };
  }
  const to = behavior === 'CANCEL' ? 'cancelled' : 'failed';
  return { facts, effects: [answer(event, executionId, to, reason)], next: [] };
}

function released(view: SlotView, { executionId }: SlotEvent): SlotDecision {
  if (!view.knows(executionId)) return NOTHING;
  return { facts: [{ kind: 'slot-left', executionId }], effects: [], next: view.waiters > 0 ? [FREED] : [] };
}

function taken(view: SlotView, event: SlotEvent): SlotDecision {
  if (view.isHolder(event.executionId)) return NOTHING;
  return {
    facts: [...noted(view, event), { kind: 'slot-held', executionId: event.executionId }],
    effects: [],
    next: [],
  };
}

function changed(view: SlotView, event: Extract<FlowEvent, { kind: 'flow-changed' }>): SlotDecision {
  const { tenant, namespace, flowId, revision, concurrency } = event;
  const before = view.slots;
  if (before && revision < before.revision) return NOTHING;
  // Most flows have no limit, and then no record either.
  if (!before && concurrency === undefined) return NOTHING;
  const { nextPlace = 0 } = before ?? {};
  const slots: SlotsRecord = {
    kind: 'slots',
    tenant,
    namespace,
    flowId,
    revision,
    ...(concurrency === undefined ? {} : { limit: concurrency }),
    nextPlace,
  };
  return { facts: [{ kind: 'slots-set', slots }], effects: [], next: view.waiters > 0 ? [FREED] : [] };
}

/** A holder that has ended, or that nobody knows, gives its slot back (protocols.md part 4.2). */
function recounted(view: SlotView, event: Extract<FlowEvent, { kind: 'slots-recounted' }>): SlotDecision {
  const { from = 0 } = event;
  const asked = [...view.holderIds()].slice(from, from + GRANTS_PER_STEP);
  return {
    facts: [],
    effects: asked.map((executionId) => answer(event, executionId, 'granted')),
    next: asked.length === GRANTS_PER_STEP ? [{ ...event, from: from + GRANTS_PER_STEP }] : [],
  };
}

function freed(view: SlotView): SlotDecision {
  const { slots } = view;
  if (!slots) return NOTHING;
  const room = slots.limit === undefined ? Infinity : slots.limit.limit - view.holders;
  const admitted = view.firstWaiters(Math.min(room, GRANTS_PER_STEP));
  return {
    facts: admitted.map((executionId) => ({ kind: 'slot-held', executionId })),
    effects: admitted.map((executionId) => answer(slots, executionId, 'granted')),
    next: admitted.length === GRANTS_PER_STEP ? [FREED] : [],
  };
}
