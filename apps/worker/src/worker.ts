import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { ENCRYPTED_TYPE, encryptText } from '@millrace/expression';
import { DEFAULT_GROUP, newId, type PlainObject, type Topics, type WorkerCommand } from '@millrace/model';
import { TaskFailure, type TaskTypeRegistry } from '@millrace/plugin-api';
import type { Repository } from '@millrace/repository';
import type { Queue, Tail, View, Worker as JobTaker } from '@millrace/queue';
import {
  startHeartbeat,
  type Heartbeat,
  type ServiceDescription,
  type Service,
  type ServiceContext,
} from '@millrace/service';
import type { Storage } from '@millrace/storage';
import { createAttempts, type Attempts } from './attempts.js';
import { followCommands } from './commands.js';
import type { ExpressionServices } from './expression-services.js';
import { createJobRecords } from './job-records.js';
import { createWorkerMetrics } from './metrics.js';
import { waitAtMost } from './persistent-publish.js';
import type { SecretSource } from './secrets.js';
import { createNamespaceFileReader } from './services/namespace-files.js';
import { openWorkerResources, type WorkerResources } from './services/resources.js';
import { createTaskServices } from './services/task-services.js';
import { prepareTemporaryDirectory } from './temporary-directory.js';

export interface WorkerOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly topics: Topics;
  readonly registry: TaskTypeRegistry;
  readonly group?: string;
  /** Jobs at a time. */
  readonly slots: number;
  /** Working directories of tasks are made below it. */
  readonly temporaryDirectory: string;
  /** Variables that the server gives to every expression (`envs`, `globals`, `kestra`). */
  readonly serverVariables?: PlainObject;
  /** For `kv()`, files of namespaces and of this machine, and encrypted values in expressions. */
  readonly expressionServices?: ExpressionServices;
  /** Default: environment variables `SECRET_<KEY>`. */
  readonly secrets: SecretSource;
  /** Opens the repository, or answers the one that is open; asked when a task first searches. Default: refuses. */
  readonly repository?: () => Promise<Repository>;
  /** Folders of this machine below which tasks may read `file:///` URIs. Default: none. */
  readonly localFilePaths?: readonly string[];
  /** Encrypts what outputs must not show. Default: with the key of `expressionServices`; without one it refuses. */
  readonly encrypt?: (text: string) => PlainObject;
  /** IANA name of the zone of dates in expressions. Default: the machine's. */
  readonly timeZone?: string;
  /** How long running tasks may go on after `stop()`. Default 30 s. */
  readonly stopTimeoutMs?: number;
  /** How long a killed or timed out task may take to stop before it is reported. Default 8 s. */
  readonly taskStopTimeoutMs?: number;
}

/** Bytes of an initialisation vector. */
const IV_BYTES = 12;

function encryption(key: string | undefined): (text: string) => PlainObject {
  return (text) => {
    if (key === undefined) {
      throw new TaskFailure(
        "Nothing can be encrypted: set 'encryption.secret-key' in the configuration of the workers",
      );
    }
    return { type: ENCRYPTED_TYPE, value: encryptText(key, text, randomBytes(IV_BYTES)) };
  };
}

const noRepository = (): Promise<Repository> =>
  Promise.reject(new TaskFailure('This worker cannot search: it was started without a repository'));

const STOP_TIMEOUT_MS = 30_000;
/** After its tasks were told to stop, so long the worker waits for their processes to be gone. */
const LAST_WAIT_MS = 8_000;

/**
 * The server that runs tasks: takes jobs of one group while slots are free, runs them, publishes one result for each
 * (architecture.md part 4, protocols.md part 3).
 */
export function createWorker(options: WorkerOptions): Service {
  const worker = new WorkerServer(options);
  return { name: 'worker', start: () => worker.start(), stop: () => worker.stop(), failed: worker.failed };
}

class WorkerServer {
  readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;
  private attempts: Attempts | undefined;
  private heartbeat: Heartbeat | undefined;
  private commands: Pick<Tail, 'close'> | undefined;
  private services: View<unknown> | undefined;
  private taker: JobTaker | undefined;
  private resources: WorkerResources | undefined;
  private temporaryDirectory: string | undefined;
  private state: ServiceDescription['state'] = 'RUNNING';
  private inMaintenance = false;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: WorkerOptions) {
    this.failed = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    // Whoever started the worker listens; a rejection before that must not end the process.
    this.failed.catch(() => undefined);
  }

  async start(): Promise<void> {
    const { context, queue, topics } = this.options;
    if (!Number.isInteger(this.options.slots) || this.options.slots < 1) {
      throw new Error(`A worker needs at least one slot, but worker.slots is ${this.options.slots}`);
    }
    this.temporaryDirectory = await prepareTemporaryDirectory(this.options.temporaryDirectory, context.instance);
    const { clock, instance } = context;
    const { storage } = this.options;
    this.resources = await openWorkerResources({ queue, topics, storage, instance, clock, onLost: this.fail });
    this.checkGroup(this.resources);
    this.attempts = this.createAttempts(this.temporaryDirectory, this.resources);
    // Commands first: a kill must not slip between the first job and their reader (protocols.md part 3.4).
    this.commands = await followCommands({
      queue,
      topics,
      log: context.log,
      keys: [context.instance, this.group],
      onCommand: (command) => this.onCommand(command),
      onLost: this.fail,
    });
    await this.watchOwnRecord();
    this.heartbeat = await startHeartbeat({
      queue,
      topics,
      context,
      describe: () => this.describe(),
      // Draining ends the taking of jobs for good; it is taken up anew when the lease is back.
      onLeaseLost: () => this.pauseOrResume(),
      onLeaseOverdue: () => this.attempts?.handBackAll(),
      onLeaseRegained: () => this.pauseOrResume(),
    });
    this.resources.followMaintenance((active) => this.setMaintenance(active));
    await this.takeJobs();
    context.log.info({ group: this.group, slots: this.options.slots }, 'Worker takes jobs');
  }

  /** Nothing would ever come to a group that does not exist. */
  private checkGroup(resources: WorkerResources): void {
    const keys = resources.workerGroups().map(({ key }) => key);
    if (keys.includes(this.group)) return;
    resources.close();
    throw new Error(
      `There is no worker group '${this.group}': register it with POST /api/v1/instance/workergroups, or start the worker with --worker-group and one of: ${keys.join(', ')}`,
    );
  }

  stop(): Promise<void> {
    return (this.stopping ??= this.shutDown());
  }

  private get group(): string {
    return this.options.group ?? DEFAULT_GROUP;
  }

  private createAttempts(temporaryDirectory: string, resources: WorkerResources): Attempts {
    const { context, queue, topics, storage, registry, repository = noRepository } = this.options;
    const services = { resources, repository, queue, topics, storage, clock: context.clock };
    const { keyValues, namespaceFiles } = resources;
    const metrics = createWorkerMetrics(context.metrics, () => this.attempts?.running ?? 0);
    return createAttempts({
      environment: {
        queue,
        topics,
        storage,
        registry,
        temporaryDirectory,
        clock: context.clock,
        log: context.log,
        secrets: this.options.secrets,
        timeZone: this.options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        serverVariables: this.options.serverVariables ?? {},
        expressionServices: { keyValues, namespaceFiles, ...this.options.expressionServices },
        namespaceFiles: (tenant) => createNamespaceFileReader(tenant, namespaceFiles),
        services: (job, signal) => createTaskServices(services, job, signal),
        localFilePaths: this.options.localFilePaths ?? [],
        encrypt: this.options.encrypt ?? encryption(this.options.expressionServices?.encryptionKey),
      },
      records: createJobRecords(topics, context.instance),
      mayRun: () => this.stopping === undefined && this.heartbeat?.leaseHeld !== false,
      onEnded: metrics.ended,
      ...(this.options.taskStopTimeoutMs !== undefined && { stopGraceMs: this.options.taskStopTimeoutMs }),
    });
  }

  private describe(): ServiceDescription {
    const { slots } = this.options;
    return { role: 'worker', state: this.state, group: this.group, slots, freeSlots: this.taker?.freeSlots ?? slots };
  }

  private async takeJobs(): Promise<void> {
    const { context, queue, topics, slots } = this.options;
    const { attempts } = this;
    if (!attempts) throw new Error('The worker was not started');
    const { clock, instance } = context;
    const records = createJobRecords(topics, instance);
    const taker = await queue.work({
      topic: topics.jobs(this.group),
      instance,
      slots,
      paused: this.inMaintenance,
      newToken: () => newId(clock.now(), randomBytes(16)),
      claimed: (taken) => records.claimed(taken, clock.now()),
      isSuspect: ({ resubmits }) => resubmits > 0,
      run: (taken) => attempts.run(taken),
    });
    taker.failed.catch(this.fail);
    this.taker = taker;
    this.pauseOrResume();
  }

  /** In maintenance mode what runs goes on and nothing new is taken. */
  private setMaintenance(active: boolean): void {
    if (active === this.inMaintenance) return;
    this.inMaintenance = active;
    this.pauseOrResume();
    if (this.state !== 'RUNNING' && this.state !== 'MAINTENANCE') return;
    this.state = active ? 'MAINTENANCE' : 'RUNNING';
    this.heartbeat?.beatSoon();
  }

  private pauseOrResume(): void {
    if (this.inMaintenance || this.heartbeat?.leaseHeld === false) this.taker?.pause();
    else this.taker?.resume();
  }

  private onCommand(command: WorkerCommand): void {
    if (command.kind === 'kill-job') this.attempts?.kill(command);
    else if (command.instance === this.options.context.instance) {
      this.stop().catch(this.fail);
    }
  }

  /** An instance that was declared lost must not come back: its jobs are given to others and its id is never reused. */
  private async watchOwnRecord(): Promise<void> {
    const { queue, topics, context } = this.options;
    const services = await queue.view(topics.services);
    services.onChange(({ key, value }) => {
      if (key !== context.instance || value?.state !== 'DISCONNECTED' || this.stopping) return;
      this.attempts?.handBackAll();
      this.fail(new Error('This worker was declared lost because its heartbeats stayed away: start it again'));
    });
    this.services = services;
  }

  private async shutDown(): Promise<void> {
    const { clock, log } = this.options.context;
    this.state = 'TERMINATING';
    await this.heartbeat
      ?.beat()
      .catch((error: unknown) => log.warn({ error }, 'The heartbeat that tells of the stop failed'));
    const drained = this.taker?.drain() ?? Promise.resolve();
    await waitAtMost(clock, drained, this.options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    if (this.attempts && this.attempts.running > 0) {
      log.warn({ jobs: this.attempts.running }, 'Tasks did not end in time: their jobs go to other workers');
      this.attempts.handBackAll();
      await waitAtMost(clock, drained, LAST_WAIT_MS);
    }
    await this.taker?.close();
    this.commands?.close();
    this.services?.close();
    this.resources?.close();
    this.state = 'TERMINATED_GRACEFULLY';
    await this.heartbeat?.stop();
    if (this.temporaryDirectory) await rm(this.temporaryDirectory, { recursive: true, force: true });
  }
}
