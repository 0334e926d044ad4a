import {
  DEFAULT_GROUP,
  keyOf,
  LIVENESS,
  outgoing,
  type ExecutionEvent,
  type Job,
  type JobOutcome,
  type OutgoingRecord,
  type ServiceInstance,
  type WorkerCommand,
} from '@millrace/model';
import type { TakenJob, Worker } from '@millrace/queue';
import type { Cluster } from './cluster.js';
import { announced } from './levels.js';
import { SimulatedNode, type Life } from './node.js';
import { childrenNews, outcomeOf } from './outcomes.js';
import type { SeededRandom } from './random.js';

/** A server that takes jobs, and answers each after a while as the seed has it. */
export function createWorkerNode(cluster: Cluster, name: string, group: string = DEFAULT_GROUP): SimulatedNode {
  const random = cluster.random(`worker ${name}`);
  return new SimulatedNode(cluster, name, (life, node) =>
    new WorkerProcess(cluster, life, node, random, group).start(),
  );
}

/** A job under way; calling it ends the job before its time. */
type Stop = (outcome: JobOutcome | 'handed-back') => void;

class WorkerProcess {
  readonly #running = new Map<string, Stop>();
  /** Tokens of attempts that are to be killed; the command may come before the job. */
  readonly #killed = new Set<string>();
  #tokens = 0;
  /** When the last acknowledged heartbeat was sent: the worker's own lease counts from there. */
  #aliveAt: number;
  #worker: Worker | undefined;
  #isRetiring = false;

  constructor(
    readonly cluster: Cluster,
    readonly life: Life,
    readonly node: SimulatedNode,
    readonly random: SeededRandom,
    readonly group: string,
  ) {
    this.#aliveAt = cluster.clock.now();
  }

  async start(): Promise<void> {
    const { cluster, life } = this;
    const { topics, scenario } = cluster;
    // Positioned before any job can come (protocols.md part 3.4).
    await life.queue.tail(topics.workerCommands, {
      key: life.instance,
      onRecord: ({ value }) => this.#command(value),
    });
    await life.queue.tail(topics.services, {
      key: life.instance,
      onRecord: ({ value }) => {
        if (value?.state === 'DISCONNECTED') this.#learnOfLoss();
      },
    });
    await life.queue.publish([this.#heartbeat('RUNNING')]);
    this.#worker = await life.queue.work({
      topic: topics.jobs(this.group),
      instance: life.instance,
      slots: scenario.slots,
      newToken: () => `${life.instance}/${++this.#tokens}`,
      claimed: ({ job, token }) => [
        this.#event(job, { kind: 'job-claimed', token, instance: life.instance, at: cluster.clock.now() }),
      ],
      run: (taken) => this.#run(taken),
    });
    this.#worker.failed.catch((error: unknown) => {
      if (!life.isOver) cluster.violation(`The worker ${life.instance} stopped by itself: ${String(error)}`);
    });
    life.beforeStop = () => this.#stopInOrder();
    this.#beatLater(LIVENESS.heartbeatMs);
  }

  #event(job: Job, rest: EventRest): OutgoingRecord {
    const { tenant, executionId, taskRunId, attempt } = job;
    const value = { tenant, executionId, taskRunId, attempt, ...rest } as ExecutionEvent;
    return outgoing({ topic: this.cluster.topics.executionEvents, key: keyOf(tenant, executionId), value });
  }

  #run({ job, token }: TakenJob): Promise<readonly OutgoingRecord[]> {
    const { clock, scenario } = this.cluster;
    const { instance } = this.life;
    const news = childrenNews(scenario.seed, job).map((child) =>
      this.#event(job, { kind: 'job-progressed', token, instance, child, at: clock.now() }),
    );
    // The first children are told of while it runs; all are told of again with the result.
    const early = news.slice(0, this.random.between(0, news.length));
    if (early.length > 0) void this.life.queue.publish(early).catch(() => undefined);
    return new Promise((resolve) => {
      const end: Stop = (outcome) => {
        cancel();
        this.#running.delete(token);
        const record =
          outcome === 'handed-back'
            ? this.#event(job, { kind: 'job-handed-back', token })
            : this.#event(job, { kind: 'job-ended', token, instance, outcome, at: clock.now() });
        const told = outcome === 'handed-back' || outcome.state === 'KILLED' ? [] : news;
        resolve([...told, record]);
      };
      const lasts = this.random.chance(0.7) ? this.random.between(1, 400) : this.random.between(400, 6_000);
      const cancel = clock.after(lasts, () => end(outcomeOf(scenario.seed, job, token)));
      this.#running.set(token, end);
      if (this.#killed.has(token)) this.#kill(token);
    });
  }

  #command(command: WorkerCommand | null): void {
    if (command?.kind !== 'kill-job' || command.token === undefined) return;
    this.#killed.add(command.token);
    this.#kill(command.token);
  }

  /** A task takes its time to stop; it may also have ended by then. */
  #kill(token: string): void {
    if (!this.#running.has(token)) return;
    this.cluster.clock.after(this.random.between(1, 300), () => {
      this.#running.get(token)?.({ state: 'KILLED', outputs: { mark: token } });
    });
  }

  // ── being alive ───────────────────────────────────────────────────────────────────────────────────────────────────

  #heartbeat(state: ServiceInstance['state']): OutgoingRecord {
    const { instance } = this.life;
    const now = this.cluster.clock.now();
    const service: ServiceInstance = {
      instance,
      role: 'worker',
      host: this.node.name,
      state,
      startedAt: now,
      heartbeatAt: now,
      group: this.group,
      slots: this.cluster.scenario.slots,
      freeSlots: this.#worker?.freeSlots ?? 0,
      ...announced(this.life),
    };
    return outgoing({
      topic: this.cluster.topics.serviceEvents,
      key: instance,
      value: { kind: 'heartbeat', service },
    });
  }

  #beatLater(delayMs: number): void {
    this.cluster.clock.after(delayMs, () => {
      const { clock } = this.cluster;
      if (this.life.isOver || this.#isRetiring) return;
      const frozenFor = this.life.frozenUntil - clock.now();
      if (frozenFor > 0) return this.#beatLater(frozenFor);
      if (clock.now() - this.#aliveAt > LIVENESS.leaseMs) return void this.#retire();
      void this.#beat();
      this.#beatLater(LIVENESS.heartbeatMs);
    });
  }

  async #beat(): Promise<void> {
    const sentAt = this.cluster.clock.now();
    try {
      await this.life.queue.publish([this.#heartbeat('RUNNING')]);
      this.#aliveAt = Math.max(this.#aliveAt, sentAt);
    } catch {
      // The next one comes soon; without any the lease runs out.
    }
  }

  /** Somebody declared it lost, rightly or not. The news takes its time, longer when the process stands still. */
  #learnOfLoss(): void {
    const { clock } = this.cluster;
    const frozenFor = Math.max(0, this.life.frozenUntil - clock.now());
    clock.after(frozenFor + this.random.between(1, 500), () => {
      if (!this.life.isOver && !this.#isRetiring) void this.#retire();
    });
  }

  /**
   * Past its lease the instance is lost for good, known or not: it takes no job, and its id does not come back. Some tasks
   * are stopped, some answer late all the same.
   */
  async #retire(): Promise<void> {
    this.#isRetiring = true;
    this.cluster.trace.line(`${this.life.instance} is past its lease`);
    if (this.random.chance(0.5)) return this.node.kill(this.life, 'past its lease');
    await this.#worker?.drain();
    if (!this.life.isOver) this.node.kill(this.life, 'past its lease, after late answers');
  }

  /** Takes no job any more, gives back what runs, and says good-bye. */
  async #stopInOrder(): Promise<void> {
    this.#isRetiring = true;
    const closing = this.#worker?.close();
    for (const stop of [...this.#running.values()]) stop('handed-back');
    await closing;
    // What was taken while it closed.
    for (const stop of [...this.#running.values()]) stop('handed-back');
    await this.#worker?.drain();
    if (!this.life.isOver) await this.life.queue.publish([this.#heartbeat('TERMINATED_GRACEFULLY')]);
  }
}

type Answer = Extract<ExecutionEvent, { kind: 'job-claimed' | 'job-progressed' | 'job-ended' | 'job-handed-back' }>;
type EventRest = Answer extends infer Event
  ? Event extends Answer
    ? Omit<Event, 'tenant' | 'executionId' | 'taskRunId' | 'attempt'>
    : never
  : never;
