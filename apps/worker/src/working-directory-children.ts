import { nextRetry } from '@millrace/executor-core';
import {
  isoDate,
  isPlainObject,
  type Job,
  type JobOutcome,
  type JobProgressed,
  type PlainObject,
  type State,
  type TaskDefinition,
} from '@millrace/model';
import type { TaskContext } from '@millrace/plugin-api';
import { createAttempt, type Attempt } from './attempt.js';
import { createDirectories, type AttemptDirectories } from './directories.js';
import { withoutLogFile } from './file-log.js';
import type { JobRecords } from './job-records.js';
import { openTask, type Surroundings } from './open-task.js';
import { publishPersistently } from './persistent-publish.js';
import { runTask } from './run-task.js';
import { openStoredOutputs } from './stored-outputs.js';

export interface ChildrenOptions {
  /** Of the WorkingDirectory. */
  readonly attempt: Attempt;
  readonly surroundings: Surroundings;
  /** Of the WorkingDirectory; its children work in the same working directory. */
  readonly directories: AttemptDirectories;
  readonly records: JobRecords;
}

export interface ChildrenEnded {
  readonly state: Extract<State, 'SUCCESS' | 'WARNING' | 'FAILED'>;
  /** The variable `outputs` with those of the children. */
  readonly outputs: PlainObject;
}

type Child = NonNullable<Job['children']>[number];

/** Runs the children of a WorkingDirectory one after the other; the first that fails is the last. */
export async function runChildren(options: ChildrenOptions, context: TaskContext): Promise<ChildrenEnded> {
  const { job } = options.attempt.taken;
  let outputs = mapAt(job.variables, 'outputs');
  let state: ChildrenEnded['state'] = 'SUCCESS';
  const { storage } = options.surroundings.environment;
  const ended = async (as: ChildrenEnded['state']): Promise<ChildrenEnded> => ({
    state: as,
    outputs: await openStoredOutputs(outputs, job, storage),
  });
  for (const [index, child] of (job.children ?? []).entries()) {
    context.signal.throwIfAborted();
    const outcome = await new ChildRun(options, child, index, outputs).run();
    if (outcome.outputs) outputs = withOutputs(outputs, [child.task.id, ...(job.loopValues ?? [])], outcome.outputs);
    const counted = softened(child.task, outcome.state);
    if (counted === 'FAILED') return ended('FAILED');
    if (counted === 'WARNING') state = 'WARNING';
  }
  return ended(state);
}

/** `allowFailure` and `allowWarning`, as the executor counts them. */
function softened(task: TaskDefinition, state: State): State {
  const allowed = state === 'FAILED' && task.allowFailure === true ? 'WARNING' : state;
  return allowed === 'WARNING' && task.allowWarning === true ? 'SUCCESS' : allowed;
}

class ChildRun {
  readonly #clock;
  readonly #startedAt: number;

  constructor(
    readonly options: ChildrenOptions,
    readonly child: Child,
    readonly index: number,
    /** Of the tasks before it. */
    readonly outputs: PlainObject,
  ) {
    this.#clock = options.surroundings.environment.clock;
    this.#startedAt = this.#clock.now();
  }

  /** Rejects when the WorkingDirectory is stopped: the executor then ends what is open. */
  async run(): Promise<JobOutcome> {
    const { signal } = this.options.attempt;
    for (let number = 1; ; number++) {
      const outcome = await this.#attempt(number);
      signal.throwIfAborted();
      const dueAt = outcome.state === 'FAILED' ? this.#nextAt(number) : undefined;
      if (dueAt === undefined) {
        const { state, outputs, logFile } = outcome;
        await this.#tell({ state, attempt: number, ...(outputs && { outputs }), ...(logFile && { logFile }) });
        const isWarning = number > 1 && state === 'SUCCESS' && this.child.task.retry?.warningOnRetry === true;
        return isWarning ? { ...outcome, state: 'WARNING' } : outcome;
      }
      await this.#wait(dueAt - this.#clock.now());
    }
  }

  async #attempt(number: number): Promise<JobOutcome> {
    const { attempt: parent, surroundings, directories } = this.options;
    const { environment } = surroundings;
    const attempt = createAttempt({ ...parent.taken, job: this.#job(number) }, this.#clock);
    const stop = (): void => attempt.stop(parent.reason ?? { kind: 'killed' });
    parent.signal.addEventListener('abort', stop, { once: true });
    // A child that does not stop holds up all that come after it: then the whole is stopped.
    void attempt.overdue.then((reason) => parent.stop(reason));
    const own = createDirectories(environment.temporaryDirectory, () => directories.working());
    const opened = openTask(attempt, surroundings, own, () => this.#tell({ state: 'RUNNING', attempt: number }));
    try {
      const outcome = await opened.run((runner) => runTask(runner));
      try {
        await opened.log.close();
      } catch (error) {
        environment.log.error({ error }, 'Log entries of a task were lost');
        return withoutLogFile(outcome);
      }
      return outcome;
    } finally {
      attempt.close();
      parent.signal.removeEventListener('abort', stop);
    }
  }

  /** The job that the child would be by itself. */
  #job(number: number): Job {
    const { job } = this.options.attempt.taken;
    const { taskRunId, task } = this.child;
    const parent = mapAt(job.variables, 'taskrun');
    const { children: _children, ...rest } = job;
    return {
      ...rest,
      taskRunId,
      task,
      attempt: number,
      logLevel: task.logLevel ?? 'TRACE',
      variables: {
        ...job.variables,
        outputs: this.outputs,
        task: { id: task.id, type: task.type },
        taskrun: {
          ...parent,
          id: taskRunId,
          parentId: job.taskRunId,
          startDate: isoDate(this.#startedAt),
          attemptsCount: number - 1,
        },
      },
    };
  }

  #nextAt(attempts: number): number | undefined {
    const { retry } = this.child.task;
    if (!retry) return undefined;
    const seed = `${this.child.taskRunId}/${attempts}`;
    return nextRetry(retry, { attempts, firstStart: this.#startedAt, now: this.#clock.now(), seed });
  }

  #wait(milliseconds: number): Promise<void> {
    const { signal } = this.options.attempt;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        cancel();
        reject(signal.reason instanceof Error ? signal.reason : new Error('The attempt was stopped'));
      };
      const cancel = this.#clock.after(milliseconds, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  async #tell(news: Omit<JobProgressed['child'], 'taskRunId' | 'taskId' | 'index'>): Promise<void> {
    const { attempt, records, surroundings } = this.options;
    const child = { taskRunId: this.child.taskRunId, taskId: this.child.task.id, index: this.index, ...news };
    const { queue } = surroundings.environment;
    await publishPersistently(queue, this.#clock, records.progressed(attempt.taken, child, this.#clock.now()));
  }
}

const mapAt = (map: PlainObject, name: string): PlainObject => {
  const member = map[name];
  return isPlainObject(member) ? member : {};
};

/** A copy with something at a path. */
function withOutputs(map: PlainObject, [name = '', ...rest]: readonly string[], outputs: PlainObject): PlainObject {
  return { ...map, [name]: rest.length === 0 ? outputs : withOutputs(mapAt(map, name), rest, outputs) };
}
