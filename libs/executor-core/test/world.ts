import { ENGINE_TASKS, taskTypeCatalog } from '@millrace/model';
import type {
  ExecutionEvent,
  ExecutionHead,
  ExecutionOperation,
  Flow,
  FlowEvent,
  FlowRecord,
  Job,
  JobOutcome,
  LogEntry,
  PlainObject,
  TaskRun,
} from '@millrace/model';
import {
  decide,
  decideSlots,
  DEFAULT_LIMITS,
  evolve,
  ExecutionState,
  failed,
  planFlow,
  SlotState,
  type Effect,
  type ExecutionContext,
  type ExecutionLimits,
  type FlowPlan,
  type Input,
  type SlotRecords,
} from '../src/index.js';
import { aFlow, claimOf, INLINE, MemoryRecords, resultOf, type WrittenFlow } from './harness.js';

type Step = Input | { readonly kind: 'wake' };

class MemorySlots implements SlotRecords {
  readonly map = new Map<string, FlowRecord>();
  #listener: Parameters<SlotRecords['onChange']>[0] = () => undefined;
  get(id: string): FlowRecord | undefined {
    return this.map.get(id);
  }
  put(id: string, record: FlowRecord): void {
    const before = this.map.get(id);
    this.map.set(id, record);
    this.#listener(id, before, record);
  }
  remove(id: string): void {
    const before = this.map.get(id);
    this.map.delete(id);
    this.#listener(id, before, undefined);
  }
  entries(): Iterable<readonly [string, FlowRecord]> {
    return this.map.entries();
  }
  onChange(listener: Parameters<SlotRecords['onChange']>[0]): void {
    this.#listener = listener;
  }
}

/** One execution of a `World`. */
export class Living {
  readonly records = new MemoryRecords();
  readonly state = new ExecutionState(this.records);
  readonly logs: LogEntry[] = [];

  get head(): ExecutionHead {
    return this.state.head;
  }
  get runs(): TaskRun[] {
    return [...this.records.map.values()]
      .filter((record): record is TaskRun => record.kind === 'task-run')
      .sort((one, other) => one.sequence - other.sequence);
  }
  get story(): string {
    return this.runs.map(({ taskId, state }) => `${taskId}:${state}`).join(' ');
  }
  run(taskId: string): TaskRun {
    const found = this.runs.find((run) => run.taskId === taskId);
    if (!found) throw new Error(`No task run of '${taskId}': ${this.story}`);
    return found;
  }
}

/** Several executions of several flows, which send each other events; a queue of jobs, slots, a virtual clock. */
export class World {
  readonly executions = new Map<string, Living>();
  readonly slots = new Map<string, SlotState>();
  readonly jobs: Job[] = [];
  readonly sent: ExecutionEvent[] = [];
  now = 1_000_000;
  /** Events that were sent and not handed over yet. */
  readonly mail: (() => void)[] = [];
  readonly limits: ExecutionLimits;
  readonly #plans = new Map<string, FlowPlan>();
  readonly #flows = new Map<string, Flow>();
  #tokens = 0;
  #commands = 0;

  constructor(
    flows: Readonly<Record<string, WrittenFlow & { readonly deleted?: boolean }>>,
    limits: Partial<ExecutionLimits> = {},
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    for (const [id, { deleted = false, ...written }] of Object.entries(flows)) this.save(id, written, 1, deleted);
  }

  save(id: string, written: WrittenFlow, revision: number, deleted = false): void {
    const flow = { ...aFlow({ ...written, id }), id, revision, deleted };
    this.#flows.set(id, flow);
    this.#plans.set(id, planFlow(flow, taskTypeCatalog(ENGINE_TASKS)));
    const { concurrency } = flow.definition;
    this.slotEvent({
      kind: 'flow-changed',
      tenant: 'main',
      namespace: 'test',
      flowId: id,
      revision,
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    this.deliver();
  }

  #context(flowId: string): ExecutionContext {
    return {
      now: this.now,
      flow: this.#plans.get(flowId),
      hasSlots: this.#flows.get(flowId)?.definition.concurrency !== undefined,
      inlineTask: (type) => INLINE[type],
      serverVariables: {},
      timeZone: 'UTC',
      isLost: () => false,
      limits: this.limits,
    };
  }

  start(flowId: string, executionId = 'E', inputs: PlainObject = {}): Living {
    this.send(executionId, this.executionRequested(flowId, executionId, inputs));
    return this.execution(executionId);
  }

  executionRequested(flowId: string, executionId: string, inputs: PlainObject = {}): ExecutionEvent {
    const { tenant, namespace, revision: flowRevision } = this.#flows.get(flowId) ?? aFlow({ tasks: [] });
    return {
      kind: 'execution-requested',
      created: {
        kind: 'created',
        tenant,
        executionId,
        namespace,
        flowId,
        flowRevision,
        inputs,
        originalId: executionId,
      },
      variables: {},
      labels: [
        { key: 'system.correlationId', value: executionId },
        { key: 'team', value: 'blue' },
      ],
      at: this.now,
    };
  }

  execution(executionId: string): Living {
    let living = this.executions.get(executionId);
    if (!living) this.executions.set(executionId, (living = new Living()));
    return living;
  }

  /** Executions that another one started, in the order of their creation. */
  children(parentId = 'E'): Living[] {
    return [...this.executions.values()].filter(
      ({ state }) => state.exists && state.created.parent?.executionId === parentId,
    );
  }

  /** Somebody asks for an operation. */
  operate(executionId: string, operation: ExecutionOperation): this {
    const commandId = `command-${++this.#commands}`;
    return this.send(executionId, {
      kind: 'operation-requested',
      tenant: 'main',
      executionId,
      commandId,
      at: this.now,
      operation,
    });
  }

  /** Hands over an event and all that follows from it. */
  send(executionId: string, event: Step): this {
    this.handOver(executionId, event);
    return this.deliver();
  }

  deliver(): this {
    for (let next = this.mail.shift(); next; next = this.mail.shift()) next();
    return this;
  }

  handOver(executionId: string, event: Step): void {
    const living = this.execution(executionId);
    const stack: Step[] = [event];
    for (let input = stack.pop(); input; input = stack.pop()) {
      const flowId = living.state.exists ? living.head.flowId : flowOf(input);
      const context = this.#context(flowId ?? '');
      let outcome;
      try {
        outcome = decide(living.state, input, context);
        for (const fact of outcome.facts) evolve(living.state, fact);
      } catch (error) {
        outcome = failed(living.state, input, error as Error, context);
        for (const fact of outcome.facts) evolve(living.state, fact);
      }
      for (const effect of outcome.effects) this.#carryOut(living, effect);
      stack.push(...[...outcome.next].reverse());
    }
    living.records.flush();
  }

  #carryOut(living: Living, effect: Effect): void {
    if (effect.kind === 'submit-job') this.jobs.push(effect.job);
    if (effect.kind === 'write-log') living.logs.push(effect.entry);
    if (effect.kind === 'cancel-job') {
      const at = this.jobs.findIndex((job) => `${job.tenant}/${job.taskRunId}/${job.attempt}` === effect.key);
      if (at >= 0) this.jobs.splice(at, 1);
    }
    if (effect.kind === 'send-event') {
      this.sent.push(effect.event);
      this.mail.push(() => this.handOver(effect.event.executionId, effect.event));
    }
    if (effect.kind === 'send-flow-event') this.mail.push(() => this.slotEvent(effect.event));
  }

  slotsOf(flowId: string): SlotState {
    let slots = this.slots.get(flowId);
    if (!slots) this.slots.set(flowId, (slots = new SlotState(new MemorySlots())));
    return slots;
  }

  slotEvent(event: Extract<FlowEvent, { readonly flowId: string }>): void {
    const slots = this.slotsOf(event.flowId);
    const stack: FlowEvent[] = [event];
    for (let input = stack.pop(); input; input = stack.pop()) {
      const { facts, effects, next } = decideSlots(slots, input);
      for (const fact of facts) slots.evolve(fact);
      for (const answer of effects) this.mail.push(() => this.handOver(answer.executionId, answer));
      stack.push(...[...next].reverse());
    }
  }

  /** A worker takes the oldest job (of a task) and answers it. */
  answer(outcome: JobOutcome | ((job: Job) => JobOutcome) = { state: 'SUCCESS' }, taskId?: string): Job {
    const at = this.jobs.findIndex((job) => taskId === undefined || job.task.id === taskId);
    const [job] = at >= 0 ? this.jobs.splice(at, 1) : [];
    if (!job) throw new Error(`No job of ${taskId ?? 'any task'} is waiting`);
    const token = `token-${++this.#tokens}`;
    this.send(job.executionId, claimOf(job, token, 'worker', this.now));
    const given = typeof outcome === 'function' ? outcome(job) : outcome;
    this.send(job.executionId, resultOf(job, token, 'worker', given, this.now));
    return job;
  }

  /** Answers jobs, and lets time pass for retries, until nothing is left to do. */
  finish(outcome: (job: Job) => JobOutcome = () => ({ state: 'SUCCESS' })): this {
    for (;;) {
      if (this.jobs.length > 0) {
        this.answer(outcome);
        continue;
      }
      const due = [...this.executions].filter(([, { state }]) => state.exists && state.dueAt !== undefined);
      const [first] = due.sort(([, one], [, other]) => (one.state.dueAt ?? 0) - (other.state.dueAt ?? 0));
      if (!first) return this;
      this.now = Math.max(this.now, first[1].state.dueAt ?? 0);
      this.send(first[0], { kind: 'wake' });
    }
  }
}

function flowOf(input: Step): string | undefined {
  if (input.kind === 'execution-requested') return input.created.flowId;
  return input.kind === 'execution-wanted' ? input.flowId : undefined;
}
