import {
  isReplayMark,
  isTerminal,
  keyOf,
  type DeadLetter,
  type ExecutionEvent,
  type ExecutionHead,
  type ExecutionRecord,
  type FlowRecord,
  type JobClaimed,
  type LogRecord,
  type Reply,
  type Resource,
  type ServiceInstance,
  type TaskRun,
} from '@millrace/model';
import { DEAD_LETTERS, type Committed, type Queue, type View } from '@millrace/queue';
import { createMemoryQueue } from '@millrace/queue/memory';
import type { Cluster } from './cluster.js';
import { History, type Kept } from './history.js';
import { TENANT } from './scenario.js';

/** Everything that became durable, as a reader of the topics sees it. */
export interface Observer {
  /** By execution, in the order of the log. */
  readonly events: ReadonlyMap<string, readonly ExecutionEvent[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly replies: readonly Reply[];
  readonly resources: View<Resource>;
  readonly services: View<ServiceInstance>;
  /** Also of executions that have left the queue. */
  readonly history: History;
  readonly executions: Kept<ExecutionRecord>;
  readonly flowState: View<FlowRecord>;
  readonly taskRuns: Kept<TaskRun>;
  /** When the last event for executions was written. */
  readonly lastEventAt: () => number;
  head(executionId: string): ExecutionHead | undefined;
  runs(executionId: string): readonly TaskRun[];
  hasEnded(executionId: string): boolean;
  /** Executions that have ended with all that comes after. */
  ended(): number;
  /** Calls the listener for each line of the log. */
  onLog(listener: (record: Committed<LogRecord>) => void): void;
  /** Calls the listener for each job that a worker took. */
  onClaim(listener: (event: JobClaimed) => void): void;
  onHeartbeat(listener: (service: ServiceInstance) => void): void;
  /** Nothing of any execution is in the queue. */
  allHaveLeft(): boolean;
  /** Executions that exist. */
  known(): number;
}

/** Follows the topics through the queue's own contract, undisturbed. */
export async function startObserver({ clock, store, topics, trace }: Cluster): Promise<Observer> {
  const queue = createMemoryQueue({ clock, store });
  const events = new Map<string, ExecutionEvent[]>();
  const deadLetters: DeadLetter[] = [];
  const replies: Reply[] = [];
  const ended = new Set<string>();
  const known = new Set<string>();
  const logged = listeners<Committed<LogRecord>>();
  const claimed = listeners<JobClaimed>();
  const heard = listeners<ServiceInstance>();
  let lastEventAt = clock.now();

  const services = await queue.view(topics.services);
  const resources = await queue.view(topics.resources);
  const flowState = await queue.view(topics.flowState);
  const history = await followHistory(queue, topics, clock);
  const { executions, taskRuns } = history;
  executions.onChange(({ key, value }) => {
    if (value?.kind !== 'head') return;
    known.add(key);
    if (isTerminal(value.state) && value.progress.section === 'ended') ended.add(key);
    else ended.delete(key);
  });
  await queue.tail(topics.executionEvents, {
    onRecord: ({ key, value }) => {
      if (value === null) return;
      lastEventAt = clock.now();
      if (value.kind === 'job-claimed') claimed.tell(value);
      trace.line(`log ${key} ${describe(value)}`);
      const known = events.get(key);
      if (known === undefined) events.set(key, [value]);
      else known.push(value);
    },
  });
  await queue.tail(DEAD_LETTERS, {
    onRecord: ({ value }) => void (value && !isReplayMark(value) && deadLetters.push(value)),
  });
  await queue.tail(topics.serviceEvents, {
    onRecord: ({ value }) => {
      if (value?.kind === 'heartbeat') heard.tell(value.service);
    },
  });
  await queue.tail(topics.logs, { onRecord: logged.tell });
  await queue.tail(topics.replies, { onRecord: ({ value }) => void (value && replies.push(value)) });

  return {
    events,
    deadLetters,
    replies,
    resources,
    services,
    history,
    executions,
    flowState,
    taskRuns,
    onLog: logged.add,
    onClaim: claimed.add,
    onHeartbeat: heard.add,
    lastEventAt: () => lastEventAt,
    head(executionId) {
      const record = executions.get(keyOf(TENANT, executionId), 'head');
      return record?.kind === 'head' ? record : undefined;
    },
    runs: (executionId) =>
      [...taskRuns.records(keyOf(TENANT, executionId)).values()].sort((one, other) => one.sequence - other.sequence),
    hasEnded: (executionId) => ended.has(keyOf(TENANT, executionId)),
    allHaveLeft: () => [...known].every(history.hasLeft),
    ended: () => ended.size,
    known: () => known.size,
  };
}

async function followHistory(queue: Queue, topics: Cluster['topics'], clock: Cluster['clock']): Promise<History> {
  const history = new History(true);
  const from = 'start';
  await queue.tail(topics.executions, { from, onRecord: (record) => history.takeExecution(record, clock.now()) });
  await queue.tail(topics.taskRuns, { from, onRecord: (record) => history.takeTaskRun(record, clock.now()) });
  return history;
}

function listeners<Value>() {
  const all = new Set<(value: Value) => void>();
  return {
    add: (listener: (value: Value) => void): void => void all.add(listener),
    tell: (value: Value): void => all.forEach((listener) => listener(value)),
  };
}

function describe(event: ExecutionEvent): string {
  switch (event.kind) {
    case 'job-claimed':
    case 'job-handed-back':
      return `${event.kind} ${event.taskRunId} ${event.attempt} ${event.token}`;
    case 'job-ended':
      return `${event.kind} ${event.taskRunId} ${event.attempt} ${event.token} ${event.outcome.state}`;
    case 'instance-lost':
      return `${event.kind} ${event.instance}`;
    case 'job-progressed':
      return `${event.kind} ${event.taskRunId} ${event.attempt} ${event.token} ${event.child.taskId} ${event.child.state}`;
    case 'operation-requested':
      return `${event.kind} ${event.operation.kind}`;
    case 'child-execution-ended':
      return `${event.kind} ${event.taskRunId} ${event.childId} ${event.state}`;
    case 'slot-answered':
      return `${event.kind} ${event.answer}`;
    case 'workers-changed':
      return `${event.kind} ${event.group} ${event.live ? 'live' : 'none'}`;
    case 'execution-requested':
    case 'execution-wanted':
    case 'snapshot-part':
    case 'kill-requested':
    case 'continued':
    case 'maintenance-ended':
      return event.kind;
    default:
      return event satisfies never;
  }
}
