/**
 * Memory and work of the executor for one large loop, without queue, worker and API: run by embedded.ts in a process of
 * its own with `--expose-gc`. Prints `{ bytes, recordsWritten, bytesWritten }` for each task run as JSON.
 */
import { decide, DEFAULT_LIMITS, evolve, ExecutionState, planFlow, type Input } from '@millrace/executor-core';
import { ENGINE_TASKS, taskTypeCatalog, type ExecutionRecord, type Flow, type Job } from '@millrace/model';

const taskRuns = Number(process.argv[2]);
const flow: Flow = {
  tenant: 'main',
  namespace: 'test',
  id: 'loop',
  revision: 1,
  source: '',
  definition: {
    id: 'loop',
    namespace: 'test',
    tasks: [
      {
        id: 'all',
        type: 'core.flow.ForEach',
        concurrencyLimit: 16,
        values: `{{ range(1, ${taskRuns}) }}`,
        tasks: [{ id: 'one', type: 'core.flow.Sleep', duration: 'PT0S' }],
      },
    ],
  },
  deleted: false,
  updated: 0,
};

const plan = planFlow(flow, taskTypeCatalog(ENGINE_TASKS));
const records = new Map<string, ExecutionRecord>();
const touched = new Set<string>();
let changed: (id: string, before: ExecutionRecord | undefined, after: ExecutionRecord | undefined) => void = () =>
  undefined;
const state = new ExecutionState({
  get: (id) => records.get(id),
  put(id, record) {
    const before = records.get(id);
    records.set(id, record);
    touched.add(id);
    changed(id, before, record);
  },
  remove(id) {
    const before = records.get(id);
    records.delete(id);
    touched.add(id);
    changed(id, before, undefined);
  },
  entries: () => records.entries(),
  onChange: (listener) => (changed = listener),
});
const jobs: Job[] = [];
let now = 1_000_000;
let recordsWritten = 0;
let bytesWritten = 0;

function send(event: Input): void {
  const pending: Input[] = [event];
  for (let input = pending.shift(); input; input = pending.shift()) {
    const context = {
      now,
      flow: plan,
      inlineTask: () => undefined,
      serverVariables: {},
      timeZone: 'UTC',
      isLost: () => false,
      limits: DEFAULT_LIMITS,
    };
    const outcome = decide(state, input, context);
    for (const fact of outcome.facts) evolve(state, fact);
    for (const effect of outcome.effects) if (effect.kind === 'submit-job') jobs.push(effect.job);
    pending.unshift(...outcome.next);
  }
  for (const id of touched) {
    recordsWritten++;
    bytesWritten += JSON.stringify(records.get(id)).length;
  }
  touched.clear();
}

const heap = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const before = heap();
const [tenant, executionId] = ['main', '0351yuJC5m6jWLUj8Ci0LH'];
send({
  kind: 'execution-requested',
  created: {
    kind: 'created',
    tenant,
    executionId,
    namespace: 'test',
    flowId: 'loop',
    flowRevision: 1,
    inputs: {},
    originalId: executionId,
  },
  variables: {},
  labels: [],
  at: now,
});
for (let job = jobs.shift(); job; job = jobs.shift()) {
  now += 3;
  const claim = {
    tenant,
    executionId,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    token: `token-${now}`,
    instance: 'worker',
    at: now,
  };
  send({ kind: 'job-claimed', ...claim });
  send({ kind: 'job-ended', ...claim, outcome: { state: 'SUCCESS', outputs: {} } });
}
if (state.head.state !== 'SUCCESS') throw new Error(`The loop ended ${state.head.state}`);
const bytes = heap() - before;
process.stdout.write(
  JSON.stringify({
    bytes: bytes / taskRuns,
    recordsWritten: recordsWritten / taskRuns,
    bytesWritten: bytesWritten / taskRuns,
  }),
);
