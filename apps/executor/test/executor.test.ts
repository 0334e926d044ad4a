import { randomBytes } from 'node:crypto';
import { createMemoryQueue } from '@millrace/queue/memory';
import { createVirtualClock } from '@millrace/testing';
import {
  createTopics,
  flowKey,
  keyOf,
  newId,
  outgoing,
  revisionId,
  type ExecutionHead,
  type Flow,
  type Reply,
  type TaskRun,
  entryOf,
} from '@millrace/model';
import { createTaskTypeRegistry, defineTask } from '@millrace/plugin-api';
import type { Queue, View } from '@millrace/queue';
import { createMetrics, type Logger, type ServiceContext } from '@millrace/service';
import { Type } from '@sinclair/typebox';
import { taskSchema } from '@millrace/model';
import { createExecutor } from '../src/index.js';

const topics = createTopics({ executionPartitions: 2, resourcePartitions: 2 });

const shout = defineTask({
  type: 'test.Shout',
  kind: 'runnable',
  title: 'Shouts.',
  schema: taskSchema({ text: Type.String() }, 'Shouts.'),
  inline: ({ text }) => ({ outputs: { value: `${text}!` }, logs: [{ level: 'INFO', message: text }] }),
});

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

interface World {
  readonly queue: Queue;
  readonly heads: View<unknown>;
  readonly runs: View<TaskRun>;
  readonly replies: Reply[];
  now(): number;
  /** Lets everything happen that can happen within `ms` of virtual time. */
  pass(ms: number): Promise<void>;
  start(flowId: string, revision?: number): Promise<string>;
  save(flow: Omit<Flow, 'revision' | 'deleted' | 'updated'>): Promise<void>;
  head(executionId: string): ExecutionHead | undefined;
  stop(): Promise<void>;
}

async function aWorld(): Promise<World> {
  const clock = createVirtualClock({ start: 1_000_000 });
  const queue = createMemoryQueue({ clock });
  const context: ServiceContext = {
    instance: 'executor-1',
    clock,
    log: quiet,
    metrics: createMetrics({ process: false }),
  };
  const registry = createTaskTypeRegistry([{ name: 'test', tasks: [shout] }]);
  const executor = createExecutor({ context, queue, topics, registry, timeZone: 'UTC' });
  const pass = (ms: number): Promise<void> => clock.runUntil(() => false, clock.now() + ms).then(() => undefined);
  const started = executor.start();
  await pass(10);
  await started;
  const heads = await queue.view<unknown>(topics.executions);
  const runs = await queue.view(topics.taskRuns);
  const replies: Reply[] = [];
  await queue.tail(topics.replies, { key: 'web-1', onRecord: ({ value }) => value && replies.push(value) });
  let commands = 0;
  return {
    queue,
    heads,
    runs,
    replies,
    now: () => clock.now(),
    pass,
    async save(flow) {
      const published = queue.publish([
        outgoing({
          topic: topics.resourceCommands,
          key: flowKey(flow.tenant, flow.namespace, flow.id),
          value: {
            commandId: `c${++commands}`,
            replyTo: 'web-1',
            at: clock.now(),
            change: { kind: 'save-flow', mode: 'save', flow },
          },
        }),
      ]);
      await pass(10);
      await published;
    },
    async start(flowId, revision = 1) {
      const executionId = newId(clock.now(), randomBytes(16));
      const published = queue.publish([
        outgoing({
          topic: topics.executionEvents,
          key: keyOf('main', executionId),
          value: {
            kind: 'execution-requested',
            created: {
              kind: 'created',
              tenant: 'main',
              executionId,
              namespace: 'test',
              flowId,
              flowRevision: revision,
              inputs: {},
              originalId: executionId,
            },
            variables: {},
            labels: [],
            at: clock.now(),
          },
        }),
      ]);
      await pass(0);
      await published;
      return executionId;
    },
    head: (executionId) => heads.get(keyOf('main', executionId), 'head') as ExecutionHead | undefined,
    async stop() {
      const stopped = executor.stop();
      await pass(10);
      await stopped;
      await queue.close();
    },
  };
}

const aFlow = (text: string): Omit<Flow, 'revision' | 'deleted' | 'updated'> => ({
  tenant: 'main',
  namespace: 'test',
  id: 'shout',
  source: text,
  definition: { id: 'shout', namespace: 'test', tasks: [{ id: 's', type: 'test.Shout', text }] },
});

describe('the executor', () => {
  let world: World;
  beforeEach(async () => {
    world = await aWorld();
  });
  afterEach(() => world.stop());

  it('keeps flows, answers who changed them, and runs the revision that an execution names', async () => {
    await world.save(aFlow('one'));
    await world.save(aFlow('two'));
    expect(world.replies.map(({ outcome }) => outcome)).toMatchObject([
      { resource: { flow: { revision: 1 } } },
      { resource: { flow: { revision: 2 } } },
    ]);
    const resources = await world.queue.view(topics.resources);
    expect(resources.get(flowKey('main', 'test', 'shout'), revisionId(1))).toMatchObject({ flow: { source: 'one' } });
    const executionId = await world.start('shout', 1);
    await world.pass(10);
    expect(world.head(executionId)?.state).toBe('SUCCESS');
    expect([...world.runs.records(keyOf('main', executionId)).values()]).toMatchObject([
      { state: 'SUCCESS', outputs: { value: 'one!' } },
    ]);
  });

  it('waits for a revision that its view has not reached yet', async () => {
    const executionId = await world.start('shout', 1);
    await world.pass(1_000);
    expect(world.head(executionId)).toBeUndefined();
    await world.save(aFlow('late'));
    await world.pass(10);
    expect(world.head(executionId)?.state).toBe('SUCCESS');
  });

  it('fails an execution whose revision does not come', async () => {
    const executionId = await world.start('nowhere', 3);
    await world.pass(20_000);
    expect(world.head(executionId)).toMatchObject({
      state: 'FAILED',
      failure: "Revision 3 of flow 'test.nowhere' is gone",
    });
  });

  it('fails a task whose properties do not fit, with the reason in its log', async () => {
    const logs: string[] = [];
    await world.queue.tail(topics.logs, {
      onRecord({ value }) {
        const entry = value && entryOf(value);
        if (entry) logs.push(entry.message);
      },
    });
    const flow = aFlow('x');
    await world.save({
      ...flow,
      definition: { ...flow.definition, tasks: [{ id: 's', type: 'test.Shout', txt: 'x' }] },
    });
    const executionId = await world.start('shout');
    await world.pass(10);
    expect(world.head(executionId)?.state).toBe('FAILED');
    expect(logs.join(' ')).toMatch(/text/);
  });

  it('tells that it is alive', async () => {
    await world.pass(5_000);
    const services = await world.queue.view(topics.services);
    expect(services.get('executor-1', 'service')).toMatchObject({ role: 'executor', state: 'RUNNING' });
    expect(services.get('executor-1', 'service')?.seenAt ?? 0).toBeGreaterThan(world.now() - 2_500);
  });
});
