/* eslint-disable max-lines-per-function -- the whole processor on one page, as a reader of the suite needs it */
import type { Job, OutgoingRecord, RecordCondition, Topic } from '@millrace/model';
import type { WAKE } from '@millrace/queue';
import { type Decision, type ProcessorDefinition, type RecordSet } from '@millrace/queue';

/** What may happen to an account: a small processor that shows every rule of the shell. */
export type LedgerEvent =
  | { readonly kind: 'add'; readonly amount: number; readonly entry?: string }
  | { readonly kind: 'chain'; readonly steps: number; readonly name: string }
  | { readonly kind: 'branch'; readonly name: string; readonly children: readonly LedgerEvent[] }
  | { readonly kind: 'throw'; readonly after: number; readonly failAlso?: boolean }
  /** `cursed`: nothing can be decided when it is due, not even the failure. */
  | { readonly kind: 'remind'; readonly at: number; readonly cursed?: boolean }
  | { readonly kind: 'end' }
  | { readonly kind: 'revive' }
  | { readonly kind: 'give-out'; readonly job: Job; readonly remove?: boolean }
  | { readonly kind: 'everyone'; readonly amount: number }
  | { readonly kind: 'continued'; readonly pending: readonly LedgerEvent[] };

export type LedgerRecord =
  | {
      readonly kind: 'head';
      readonly total: number;
      readonly dueAt?: number;
      readonly cursed?: boolean;
      readonly ended?: boolean;
      readonly failure?: string;
    }
  | { readonly kind: 'entry'; readonly amount: number };

/** What the ledger tells: one note for each thing that happened. */
export interface Note {
  readonly text: string;
  readonly at: number;
}

/** A line that is kept, or the removal of earlier ones. */
export type Line =
  | { readonly kind: 'line'; readonly book: string; readonly page: number; readonly colour: string }
  | { readonly kind: 'purge'; readonly conditions: readonly RecordCondition[] };

const ofLine =
  <Value>(of: (line: Extract<Line, { kind: 'line' }>) => Value) =>
  (line: Line): Value | undefined =>
    line.kind === 'line' ? of(line) : undefined;

export interface LedgerTopics {
  readonly events: Topic<LedgerEvent>;
  readonly heads: Topic<LedgerRecord>;
  readonly entries: Topic<LedgerRecord>;
  readonly notes: Topic<Note>;
  readonly lines: Topic<Line>;
  readonly jobs: Topic<Job>;
}

const HOUR = 3_600_000;

/** The border check of the suite's topics; a record marked `unreadable` stands for a damaged one. */
const decode =
  <Value>() =>
  (stored: unknown): Value => {
    if (typeof stored !== 'object' || stored === null || 'unreadable' in stored)
      throw new Error('This record cannot be read');
    return stored as Value;
  };

export const ledgerTopics = (partitions: number): LedgerTopics => ({
  events: {
    name: 'ledger-events',
    kind: 'events',
    partitions,
    retentionMs: HOUR,
    input: true,
    decode: decode<LedgerEvent>(),
  },
  heads: { name: 'ledger.heads', kind: 'state', partitions, decode: decode<LedgerRecord>() },
  entries: { name: 'ledger-entries', kind: 'state', partitions, decode: decode<LedgerRecord>() },
  notes: { name: 'ledger-notes', kind: 'events', partitions: 1, decode: decode<Note>() },
  lines: {
    name: 'ledger-lines',
    kind: 'events',
    partitions,
    decode: decode<Line>(),
    columns: {
      book: { type: 'text', of: ofLine(({ book }) => book) },
      page: { type: 'integer', of: ofLine(({ page }) => page) },
    },
    indexes: { by_place: ['book', 'page'] },
    purges: (line: Line) => (line.kind === 'purge' ? line.conditions : undefined),
  },
  jobs: { name: 'jobs.ledger', kind: 'jobs', partitions: 4, decode: decode<Job>() },
});

interface LedgerState {
  readonly records: RecordSet<LedgerRecord>;
}

type LedgerFact =
  | { readonly kind: 'head'; readonly change: Partial<Extract<LedgerRecord, { kind: 'head' }>>; readonly add?: number }
  | { readonly kind: 'entry'; readonly id: string; readonly amount: number };

export interface LedgerContext {
  readonly now: number;
}

export type LedgerDefinition = ProcessorDefinition<
  LedgerState,
  LedgerRecord,
  LedgerEvent,
  LedgerFact,
  OutgoingRecord,
  LedgerContext
>;

type LedgerDecision = Decision<LedgerFact, OutgoingRecord, LedgerEvent>;

const headOf = ({ records }: LedgerState): Extract<LedgerRecord, { kind: 'head' }> => {
  const head = records.get('head');
  return head?.kind === 'head' ? head : { kind: 'head', total: 0 };
};

const NOTHING: LedgerDecision = { facts: [], effects: [], next: [] };

export function ledger(
  topics: LedgerTopics,
  overrides: Partial<LedgerDefinition> = {},
  name = 'ledger',
): LedgerDefinition {
  const note = (key: string, text: string, { now }: LedgerContext): OutgoingRecord => ({
    topic: topics.notes,
    key,
    value: { text, at: now } satisfies Note,
  });
  const keys = new WeakMap<LedgerState, string>();
  const keyOf = (state: LedgerState): string => keys.get(state) ?? '';
  const says = (
    state: LedgerState,
    text: string,
    context: LedgerContext,
    rest: Partial<LedgerDecision> = {},
  ): LedgerDecision => ({
    ...NOTHING,
    effects: [note(keyOf(state), text, context)],
    ...rest,
  });

  function decide(state: LedgerState, input: LedgerEvent | typeof WAKE, context: LedgerContext): LedgerDecision {
    switch (input.kind) {
      case 'wake':
        if (headOf(state).cursed === true) throw new Error('broken twice');
        return says(state, 'woken', context, { facts: [{ kind: 'head', change: { dueAt: Infinity } }] });
      case 'add': {
        const facts: LedgerFact[] = [{ kind: 'head', change: {}, add: input.amount }];
        if (input.entry !== undefined) facts.push({ kind: 'entry', id: input.entry, amount: input.amount });
        return says(state, `added ${input.amount}`, context, { facts });
      }
      case 'chain': {
        const facts: LedgerFact[] = [{ kind: 'head', change: {}, add: 1 }];
        if (input.steps === 1) return says(state, `chain ${input.name} ended`, context, { facts });
        return { ...NOTHING, facts, next: [{ ...input, steps: input.steps - 1 }] };
      }
      case 'branch':
        return says(state, input.name, context, { next: input.children });
      case 'throw': {
        if (input.after === 0) throw new Error(input.failAlso === true ? 'broken twice' : 'broken');
        return says(state, 'never seen', context, {
          facts: [{ kind: 'head', change: {}, add: 1_000 }],
          next: [{ ...input, after: input.after - 1 }],
        });
      }
      case 'remind':
        return { ...NOTHING, facts: [{ kind: 'head', change: { dueAt: input.at, cursed: input.cursed === true } }] };
      case 'end':
        return says(state, 'ended', context, { facts: [{ kind: 'head', change: { ended: true } }] });
      case 'revive':
        return says(state, 'lives again', context, { facts: [{ kind: 'head', change: { ended: false } }] });
      case 'give-out':
        return {
          ...NOTHING,
          effects: [{ topic: topics.jobs, key: input.job.taskRunId, value: input.remove === true ? null : input.job }],
        };
      case 'everyone':
        return says(state, `everyone ${input.amount}`, context);
      case 'continued':
        throw new Error('A continuation is the shell’s own');
    }
  }

  function evolve({ records }: LedgerState, fact: LedgerFact): void {
    if (fact.kind === 'entry') return records.put(fact.id, { kind: 'entry', amount: fact.amount });
    const head = headOf({ records });
    return records.put('head', { ...head, ...fact.change, total: head.total + (fact.add ?? 0) });
  }

  return {
    processor: {
      name,
      input: topics.events,
      stateTopics: [topics.heads, topics.entries],
      topicOf: ({ kind }) => (kind === 'head' ? topics.heads : topics.entries),
      open(key, records) {
        const state = { records };
        keys.set(state, key);
        return state;
      },
      decide,
      evolve,
      fail(state, _input, fault, context) {
        if (fault.message === 'broken twice') throw new Error('the failure fails, too');
        return says(state, `failed: ${fault.message}`, context, {
          facts: [{ kind: 'head', change: { failure: fault.message } }],
        });
      },
      dueAt(state) {
        const { dueAt } = headOf(state);
        return dueAt === null || dueAt === Infinity ? undefined : dueAt;
      },
      ended: (state) => headOf(state).ended === true,
      continuation: (_key, pending) => ({ kind: 'continued', pending }),
      pendingOf: (event) => (event.kind === 'continued' ? event.pending : undefined),
      *spread(event, live) {
        if (event.kind !== 'everyone') return;
        for (const [key] of live) yield [key, { kind: 'add', amount: event.amount }];
      },
    },
    context: (_key, _state, _input, now) => ({ now }),
    outgoing: (effect) => effect,
    ...overrides,
  };
}

/** A job with nothing in it but its name. */
export const aJob = (taskRunId: string): Job => ({
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'flow',
  flowRevision: 1,
  executionId: 'execution',
  taskRunId,
  sequence: 0,
  attempt: 1,
  kind: 'run',
  task: { id: 'task', type: 'core.log.Log' },
  variables: {},
  logLevel: 'INFO',
  resubmits: 0,
});
