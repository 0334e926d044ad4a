import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  outgoing,
  createTopics,
  DEFAULT_GROUP,
  jobKey,
  type Clock,
  type ExecutionEvent,
  type Job,
  type JobOutcome,
  type LogEntry,
  type MetricEntry,
  type OutgoingRecord,
  type ServiceEvent,
  type TaskDefinition,
  type Topic,
  type WorkerCommand,
} from '@millrace/model';
import { createTaskTypeRegistry, type Plugin } from '@millrace/plugin-api';
import { plugin as corePlugin } from '@millrace/plugin-core';
import type { Queue } from '@millrace/queue';
import { createMemoryQueue, type MemoryQueue } from '@millrace/queue/memory';
import { systemClock, type Logger, type Metrics, type Service, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWorker, environmentSecrets, type WorkerOptions } from '../src/index.js';

export const topics = createTopics({ executionPartitions: 4, resourcePartitions: 4 });

/** A clock that moves only when it is told to. */
export class VirtualClock implements Clock {
  private time = 1_700_000_000_000;
  private readonly timers = new Set<{ readonly at: number; readonly run: () => void }>();
  private readonly watchers = new Set<() => void>();

  now = (): number => this.time;

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.time + delayMs, run };
    this.timers.add(timer);
    for (const watcher of this.watchers) watcher();
    return () => this.timers.delete(timer);
  }

  /** Resolves when a timer is set that is due `delayMs` from now. */
  async timerSet(delayMs: number): Promise<void> {
    const found = (): boolean => [...this.timers].some(({ at }) => at === this.time + delayMs);
    if (found()) return;
    await new Promise<void>((resolve) => {
      const watcher = (): void => {
        if (!found()) return;
        this.watchers.delete(watcher);
        resolve();
      };
      this.watchers.add(watcher);
    });
  }

  /** Lets time pass; what is due runs in its order, with all that follows at once in between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      this.timers.delete(due);
      due.run();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything run that waits for nothing but its turn. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** What was committed, in order. */
interface CommittedRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: unknown;
}

/** The queue in memory, with a look at all that is committed. */
export class RecordingQueue {
  readonly committed: CommittedRecord[] = [];
  /** Called before each publish; what it throws, the publish throws. */
  beforePublish: (records: readonly OutgoingRecord[]) => Promise<void> | void = () => undefined;
  readonly queue: Queue;
  private readonly inner: MemoryQueue;
  private readonly watchers = new Set<() => void>();

  constructor(clock: Clock) {
    this.inner = createMemoryQueue({ clock });
    this.queue = {
      ...this.inner,
      publish: async (records) => {
        await this.beforePublish(records);
        await this.inner.publish(records);
      },
    };
  }

  async follow(): Promise<void> {
    const { executionEvents, logs, metrics, serviceEvents } = topics;
    await this.followTopic(executionEvents);
    await this.followTopic(logs);
    await this.followTopic(metrics);
    await this.followTopic(serviceEvents);
  }

  private async followTopic<Value>(topic: Topic<Value>): Promise<void> {
    await this.inner.tail(topic, {
      onRecord: ({ key, value }) => {
        this.committed.push({ topic: topic.name, key, value });
        // Nobody waits for a line of the log, and there may be very many.
        if (topic.name !== topics.logs.name) for (const watcher of this.watchers) watcher();
      },
    });
  }

  publish = (records: readonly OutgoingRecord[]): Promise<void> => this.inner.publish(records);
  close = (): Promise<void> => this.inner.close();

  /** Resolves with the first committed event of that kind that `fits`, past ones included. */
  event<Kind extends ExecutionEvent['kind']>(
    kind: Kind,
    fits: (event: Extract<ExecutionEvent, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<ExecutionEvent, { kind: Kind }>> {
    return this.until(() => this.events(kind).find(fits));
  }

  events<Kind extends ExecutionEvent['kind']>(kind: Kind): Extract<ExecutionEvent, { kind: Kind }>[] {
    return this.valuesOf<ExecutionEvent>(topics.executionEvents.name).filter(
      (event): event is Extract<ExecutionEvent, { kind: Kind }> => event.kind === kind,
    );
  }

  /** Resolves with what `find` answers as soon as it answers something. */
  until<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        const found = find();
        if (found === undefined) return;
        this.watchers.delete(watcher);
        resolve(found);
      };
      this.watchers.add(watcher);
      watcher();
    });
  }

  valuesOf<Value>(topic: string): Value[] {
    return this.committed.filter((record) => record.topic === topic).map(({ value }) => value as Value);
  }

  get logs(): LogEntry[] {
    return this.valuesOf(topics.logs.name);
  }

  get metrics(): MetricEntry[] {
    return this.valuesOf(topics.metrics.name);
  }

  get heartbeats(): ServiceEvent[] {
    return this.valuesOf(topics.serviceEvents.name);
  }
}

export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

const noMetrics: Metrics = {
  gauges: () => undefined,
  counter: () => () => undefined,
  gauge: () => undefined,
  histogram: () => () => undefined,
  render: () => Promise.resolve(''),
};

export const aContext = (clock: Clock = systemClock): ServiceContext => ({
  instance: 'worker-1',
  clock,
  log: silentLog,
  metrics: noMetrics,
});

let jobNumber = 0;

/** A job that runs `task`. */
export const aJob = (task: Partial<TaskDefinition> & { readonly type: string }, rest: Partial<Job> = {}): Job => ({
  tenant: 'main',
  namespace: 'company.team',
  flowId: 'my-flow',
  flowRevision: 1,
  executionId: 'execution1',
  taskRunId: `taskRun${++jobNumber}`,
  sequence: 3,
  attempt: 1,
  kind: 'run',
  task: { id: 'a-task', ...task },
  variables: {},
  logLevel: 'INFO',
  resubmits: 0,
  ...rest,
});

export interface Started {
  readonly queue: RecordingQueue;
  readonly worker: Service;
  readonly directory: string;
  /** Hands the job to the worker. */
  submit(job: Job): Promise<void>;
  /** Hands the job to the worker and waits for its outcome. */
  outcome(job: Job): Promise<JobOutcome>;
  command(command: WorkerCommand, key?: string): Promise<void>;
}

const started: (() => Promise<void>)[] = [];

export interface StartOptions extends Partial<WorkerOptions> {
  readonly plugins?: readonly Plugin[];
  readonly clock?: Clock;
}

/** A started worker on a queue of its own. */
export async function startWorker({ plugins = [], clock = systemClock, ...rest }: StartOptions = {}): Promise<Started> {
  const queue = new RecordingQueue(clock);
  await queue.follow();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-worker-'));
  const worker = createWorker({
    context: aContext(clock),
    queue: queue.queue,
    topics,
    storage: createLocalStorage({ directory: join(directory, 'storage') }),
    registry: createTaskTypeRegistry([corePlugin, ...plugins]),
    slots: 2,
    temporaryDirectory: join(directory, 'tmp'),
    secrets: environmentSecrets({}),
    ...rest,
  });
  await worker.start();
  started.push(async () => {
    await worker.stop();
    await queue.close();
  });
  const submit = (job: Job): Promise<void> =>
    queue.publish([outgoing({ topic: topics.jobs(DEFAULT_GROUP), key: jobKey(job), value: job })]);
  return {
    queue,
    worker,
    directory,
    submit,
    async outcome(job) {
      await submit(job);
      return (await queue.event('job-ended', ({ taskRunId }) => taskRunId === job.taskRunId)).outcome;
    },
    command: (command, key = 'worker-1') =>
      queue.publish([outgoing({ topic: topics.workerCommands, key, value: command })]),
  };
}

/** Stops the workers of a test. */
export async function stopWorkers(): Promise<void> {
  await Promise.all(started.splice(0).map((stop) => stop()));
}
