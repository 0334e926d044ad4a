import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTopics,
  DEFAULT_GROUP,
  type Clock,
  type ExecutionEvent,
  type Job,
  type JobOutcome,
  type LogEntry,
  type MetricEntry,
  type OutgoingRecord,
  type TaskDefinition,
} from '@millrace/model';
import { createTaskTypeRegistry, type Plugin } from '@millrace/plugin-api';
import { plugin as corePlugin } from '@millrace/plugin-core';
import type { Committed, Queue, TailOptions, TakenJob, WorkOptions } from '@millrace/queue';
import { systemClock, type Logger, type Metrics, type Service, type ServiceContext } from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWorker, type WorkerOptions } from '../src/index.js';

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

/** A queue in memory for one worker: hands out jobs, keeps what was published, follows commands. */
export class TestQueue implements Queue {
  readonly published: OutgoingRecord[] = [];
  /** Called before each publish; what it throws, the publish throws. */
  beforePublish: (records: readonly OutgoingRecord[]) => Promise<void> | void = () => undefined;
  private readonly waiting: Job[] = [];
  private readonly tails = new Set<TailOptions<unknown> & { readonly topic: string }>();
  private readonly takers = new Set<() => void>();
  private readonly watchers = new Set<() => void>();

  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    await this.beforePublish(records);
    this.accept(records);
  }

  private accept(records: readonly OutgoingRecord[]): void {
    this.published.push(...records);
    for (const record of records) {
      if (record.topic.kind === 'jobs' && record.value !== null) this.waiting.push(record.value as Job);
      for (const tail of this.tails) {
        if (tail.topic !== record.topic.name || (tail.key !== undefined && tail.key !== record.key)) continue;
        tail.onRecord({ key: record.key, id: record.id ?? '', value: record.value });
      }
    }
    for (const take of this.takers) take();
    for (const watcher of this.watchers) watcher();
  }

  process = (): Promise<never> => Promise.reject(new Error('This queue has no processors'));

  work(options: WorkOptions) {
    let free = options.slots;
    let draining = false;
    const running = new Set<Promise<void>>();
    const run = async (job: Job): Promise<void> => {
      const taken: TakenJob = { job, token: options.newToken() };
      await this.publish(options.claimed(taken));
      this.accept(await options.run(taken));
      free += 1;
      take();
    };
    const take = (): void => {
      while (!draining && free > 0 && this.waiting.length > 0) {
        free -= 1;
        const ended = run(this.waiting.shift() as Job).finally(() => running.delete(ended));
        running.add(ended);
      }
    };
    this.takers.add(take);
    take();
    const drain = async (): Promise<void> => {
      draining = true;
      this.takers.delete(take);
      await Promise.all(running);
    };
    return Promise.resolve({
      get freeSlots() {
        return free;
      },
      drain,
      close: () => {
        draining = true;
        this.takers.delete(take);
        return Promise.resolve();
      },
      failed: new Promise<never>(() => undefined),
    });
  }

  view = <Value>() => {
    const listeners = new Set<(record: Committed<Value>) => void>();
    return Promise.resolve({
      get: () => undefined,
      records: () => new Map<string, Value>(),
      keys: () => [],
      waitFor: () => Promise.resolve(false),
      onChange: (listener: (record: Committed<Value>) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      close: () => undefined,
    });
  };

  tail<Value>(topic: { readonly name: string }, options: TailOptions<Value>) {
    const tail = { ...options, topic: topic.name } as TailOptions<unknown> & { readonly topic: string };
    this.tails.add(tail);
    return Promise.resolve({ close: () => void this.tails.delete(tail) });
  }

  close = (): Promise<void> => Promise.resolve();

  /** Resolves with the first published event of that kind that `fits`, past ones included. */
  async event<Kind extends ExecutionEvent['kind']>(
    kind: Kind,
    fits: (event: Extract<ExecutionEvent, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<ExecutionEvent, { kind: Kind }>> {
    const find = () =>
      this.valuesOf<ExecutionEvent>(topics.executionEvents.name).find(
        (value): value is Extract<ExecutionEvent, { kind: Kind }> =>
          value.kind === kind && fits(value as Extract<ExecutionEvent, { kind: Kind }>),
      );
    return this.until(find);
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
    return this.published.filter((record) => record.topic.name === topic).map(({ value }) => value as Value);
  }

  get logs(): LogEntry[] {
    return this.valuesOf(topics.logs.name);
  }

  get metrics(): MetricEntry[] {
    return this.valuesOf(topics.metrics.name);
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
  readonly queue: TestQueue;
  readonly worker: Service;
  readonly directory: string;
  /** Hands the job to the worker. */
  submit(job: Job): Promise<void>;
  /** Hands the job to the worker and waits for its outcome. */
  outcome(job: Job): Promise<JobOutcome>;
}

const started: Service[] = [];

/** A started worker on a queue of its own. */
export async function startWorker(options: Partial<WorkerOptions> & { readonly plugins?: readonly Plugin[] } = {}): Promise<Started> {
  const queue = new TestQueue();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-worker-'));
  const { plugins = [], ...rest } = options;
  const worker = createWorker({
    context: aContext(),
    queue,
    topics,
    storage: createLocalStorage({ directory: join(directory, 'storage') }),
    registry: createTaskTypeRegistry([corePlugin, ...plugins]),
    slots: 2,
    temporaryDirectory: join(directory, 'tmp'),
    ...rest,
  });
  await worker.start();
  started.push(worker);
  const submit = (job: Job): Promise<void> =>
    queue.publish([{ topic: topics.jobs(DEFAULT_GROUP), key: job.taskRunId, value: job } as OutgoingRecord]);
  return {
    queue, worker, directory, submit,
    async outcome(job) {
      await submit(job);
      return (await queue.event('job-ended', ({ taskRunId }) => taskRunId === job.taskRunId)).outcome;
    },
  };
}

/** Stops the workers of a test. */
export async function stopWorkers(): Promise<void> {
  await Promise.all(started.splice(0).map((worker) => worker.stop()));
}
