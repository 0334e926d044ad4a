import {
  createTopics,
  TRIGGERS_OF_FLOW,
  type ExecutionWanted,
  type Flow,
  type LogEntry,
  type MissedSchedules,
  type PlainObject,
  type Reply,
  type State,
  type TriggerChange,
  type TriggerDefinition,
  type TriggerEvent,
  type TriggerRecord,
  type TriggerState,
} from '@millrace/model';
import { planTriggers, zoneOf, type FlowTriggers } from '@millrace/schedule';
import { triggerProcessor, type FlowTriggersState, type Wake } from '../src/index.js';

const processor = triggerProcessor(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));
const NAME = { tenant: 'main', namespace: 'demo', flowId: 'sched' } as const;

export const seconds = (count: number): number => count * 1_000;
export const at = (text: string): number => Date.parse(`2024-01-01T${text}Z`);
export const isoOf = (instant: number | undefined): string =>
  instant === undefined ? 'none' : new Date(instant).toISOString().slice(11, 19);

/** The records of one key: immutable values in a map that is replaced as a whole when a commit is lost. */
class Records {
  #listener: () => void = () => undefined;
  constructor(readonly map: Map<string, TriggerRecord>) {}
  get(id: string): TriggerRecord | undefined {
    return this.map.get(id);
  }
  put(id: string, record: TriggerRecord): void {
    this.map.set(id, record);
    this.#listener();
  }
  remove(id: string): void {
    this.map.delete(id);
    this.#listener();
  }
  entries(): IterableIterator<[string, TriggerRecord]> {
    return this.map.entries();
  }
  onChange(listener: () => void): void {
    this.#listener = listener;
  }
}

/** One flow's triggers under a shell whose commits may be lost, on a clock of their own. */
export class Scheduled {
  now: number;
  readonly started: ExecutionWanted[] = [];
  readonly replies: Reply[] = [];
  readonly logs: LogEntry[] = [];
  #stored = new Map<string, TriggerRecord>();
  #state: FlowTriggersState;
  #plans = new Map<number, FlowTriggers>();
  #revision = 0;
  #commands = 0;

  constructor(start: number) {
    this.now = start;
    this.#state = processor.open('', new Records(new Map()));
  }

  /** A new revision of the flow is saved. */
  save(
    triggers: readonly PlainObject[],
    flow: { readonly disabled?: boolean; readonly missed?: MissedSchedules } = {},
  ): void {
    this.#revision++;
    const definitions = triggers.map(
      (trigger, index) => ({ id: `t${index + 1}`, type: 'core.trigger.Schedule', ...trigger }) as TriggerDefinition,
    );
    this.#plan(definitions, false, flow);
    this.send({ kind: 'flow-changed', ...NAME, revision: this.#revision, deleted: false, at: this.now });
  }

  delete(): void {
    this.#revision++;
    this.#plan([], true, {});
    this.send({ kind: 'flow-changed', ...NAME, revision: this.#revision, deleted: true, at: this.now });
  }

  /** The news of an old revision come again. */
  repeatNews(revision: number): void {
    this.send({ kind: 'flow-changed', ...NAME, revision, deleted: false, at: this.now });
  }

  #plan(
    triggers: readonly TriggerDefinition[],
    deleted: boolean,
    { disabled, missed }: { disabled?: boolean; missed?: MissedSchedules },
  ): void {
    const flow: Flow = {
      tenant: 'main',
      namespace: 'demo',
      id: 'sched',
      revision: this.#revision,
      source: '',
      definition: { id: 'sched', namespace: 'demo', tasks: [], ...(disabled === undefined ? {} : { disabled }) },
      deleted,
      updated: this.now,
    };
    const surroundings = { zone: zoneOf('UTC')!, serverVariables: {}, recoverMissedSchedules: missed ?? 'ALL' };
    this.#plans.set(this.#revision, planTriggers({ flow, labels: [], nestedLabels: {}, surroundings }, triggers));
  }

  command(change: TriggerChange, triggerId = 't1', commandId = `command-${++this.#commands}`): Reply['outcome'] {
    const before = this.replies.length;
    this.send({ kind: 'trigger-command', ...NAME, triggerId, commandId, replyTo: 'server', change, at: this.now });
    const reply = this.replies[before];
    if (reply?.commandId !== commandId) throw new Error('The command was not answered');
    return reply.outcome;
  }

  end(execution: ExecutionWanted, state: State = 'SUCCESS'): void {
    const { executionId, trigger } = execution;
    this.send({ kind: 'trigger-execution-ended', ...NAME, triggerId: trigger.id, executionId, state, at: this.now });
  }

  send(event: TriggerEvent): void {
    this.#step(event);
  }

  /** Time goes on; timers run when they are due. Each start ends `runsMs` later (never without it). */
  runUntil(end: number, runsMs?: number): void {
    for (let guard = 0; ; guard++) {
      if (guard > 100_000) throw new Error('The triggers are due again and again');
      const due = this.#isOver ? undefined : this.#state.dueAt;
      const ending = this.#endings[0];
      const next = Math.min(due ?? Infinity, ending?.at ?? Infinity);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (ending && ending.at <= (due ?? Infinity)) {
        this.#endings.shift();
        this.end(ending.execution, ending.state);
        continue;
      }
      const before = this.started.length;
      this.#step({ kind: 'wake' });
      if (runsMs !== undefined) {
        for (const execution of this.started.slice(before))
          this.#endings.push({ at: this.now + runsMs, execution, state: 'SUCCESS' });
      }
    }
    this.now = Math.max(this.now, end);
  }
  readonly #endings: { at: number; execution: ExecutionWanted; state: State }[] = [];
  #isOver = false;

  /** The server is gone until the given time; what it had in memory too. */
  down(until: number): void {
    this.now = until;
    this.restore();
  }

  /** Memory is dropped and read from the store again. */
  restore(): void {
    this.#state = processor.open('', new Records(new Map(this.#stored)));
  }

  /** Decides the input, then loses the commit: nothing of it has happened. */
  crash(input: TriggerEvent | Wake): void {
    this.#decide(input);
    this.restore();
  }

  #step(input: TriggerEvent | Wake): void {
    const effects = this.#decide(input);
    this.#stored = new Map(this.#records());
    for (const effect of effects) {
      if (effect.kind === 'start-execution') this.started.push(effect.event);
      else if (effect.kind === 'reply') this.replies.push(effect.reply);
      else this.logs.push(effect.entry);
    }
  }

  #records(): Iterable<[string, TriggerRecord]> {
    const { flow } = this.#state;
    const triggers = [...this.#state.triggers()].map((trigger): [string, TriggerRecord] => [
      `trigger/${trigger.triggerId}`,
      trigger,
    ]);
    return flow ? [[TRIGGERS_OF_FLOW, flow], ...triggers] : triggers;
  }

  #decide(input: TriggerEvent | Wake) {
    const revision = input.kind === 'flow-changed' ? this.#revision : (this.#state.flow?.revision ?? 0);
    const outcome = processor.decide(this.#state, input, { now: this.now, plan: this.#plans.get(revision) });
    for (const fact of outcome.facts) processor.evolve(this.#state, fact);
    return outcome.effects;
  }

  get state(): FlowTriggersState {
    return this.#state;
  }

  get isEnded(): boolean {
    return processor.ended(this.#state);
  }

  fail(fault: Error): void {
    const outcome = processor.fail(this.#state, { kind: 'wake' }, fault, { now: this.now, plan: undefined });
    for (const fact of outcome.facts) processor.evolve(this.#state, fact);
    for (const effect of outcome.effects) if (effect.kind === 'write-log') this.logs.push(effect.entry);
  }

  trigger(id = 't1'): TriggerState {
    const trigger = this.#state.trigger(id);
    if (!trigger) throw new Error(`There is no trigger '${id}'`);
    return trigger;
  }

  /** When the trigger's executions were for, as times of the day. */
  dates(triggerId = 't1'): string[] {
    return this.started
      .filter(({ trigger }) => trigger.id === triggerId)
      .map(({ trigger }) => String(trigger.variables['date']).slice(11, 19));
  }

  get next(): string {
    return isoOf(this.trigger().nextExecutionDate);
  }
}
