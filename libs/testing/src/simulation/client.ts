import {
  flowKey,
  keyOf,
  outgoing,
  type ExecutionEvent,
  type Flow,
  type FlowEvent,
  type OutgoingRecord,
  type ResourceCommand,
} from '@millrace/model';
import { createMemoryQueue } from '@millrace/queue/memory';
import type { Cluster } from './cluster.js';
import { disturb } from './disturbance.js';
import { GROUPS, registration } from './groups.js';
import { NAMESPACE, TENANT, type PlannedExecution } from './scenario.js';

/** What the users of the cluster asked for and got an answer to. */
export interface Client {
  readonly requested: ReadonlySet<string>;
  readonly killed: ReadonlySet<string>;
  /** Everything was asked for and acknowledged. */
  isDone(): boolean;
}

export const CLIENT = 'client';
const RETRY_MS = 100;

/** Users, and the webserver between: what gets no answer is sent again, so some of it arrives twice. */
export function startClient(cluster: Cluster): Client {
  const { clock, store, topics, scenario } = cluster;
  const faults = disturb(cluster, CLIENT, CLIENT, { frozenUntil: () => 0 });
  const queue = createMemoryQueue({ clock, store, faults });
  const random = cluster.random(CLIENT);
  const requested = new Set<string>();
  const killed = new Set<string>();
  let open = 0;

  function at(delayMs: number, record: OutgoingRecord, done: () => void): void {
    open++;
    const send = (): void => {
      queue.publish([record]).then(
        () => {
          open--;
          done();
        },
        () => void clock.after(RETRY_MS, send),
      );
    };
    clock.after(delayMs, send);
  }

  const flowEvent = (value: Extract<FlowEvent, { readonly flowId: string }>): OutgoingRecord =>
    outgoing({ topic: topics.flowEvents, key: flowKey(TENANT, NAMESPACE, value.flowId), value });

  const event = (executionId: string, value: ExecutionEvent): OutgoingRecord =>
    outgoing({ topic: topics.executionEvents, key: keyOf(TENANT, executionId), value });

  const start = (execution: PlannedExecution): void => {
    const { id, startAfter, killAfter } = execution;
    at(startAfter, event(id, requestOf(execution, clock.now() + startAfter)), () => {
      requested.add(id);
      if (killAfter === undefined) return;
      const kill = event(id, { kind: 'kill-requested', tenant: TENANT, executionId: id });
      at(Math.max(0, killAfter - startAfter), kill, () => killed.add(id));
    });
  };
  for (const execution of scenario.executions) {
    const { concurrency } = execution.flow.definition;
    if (concurrency === undefined) start(execution);
    else
      at(0, flowEvent({ ...slotsOf(execution.flow), kind: 'flow-changed', revision: 1, concurrency }), () =>
        start(execution),
      );
  }
  for (const flow of scenario.flows.filter(({ definition }) => definition.concurrency !== undefined)) {
    const recount = flowEvent({ ...slotsOf(flow), kind: 'slots-recounted' });
    for (let count = random.between(0, 3); count > 0; count--) {
      at(random.between(0, scenario.disturbedMs), recount, () => {});
    }
  }
  for (const flow of scenario.flows) {
    for (let revision = 1; revision <= scenario.revisions; revision++) {
      const value: ResourceCommand = {
        commandId: `${flow.id}-${revision}`,
        replyTo: CLIENT,
        at: clock.now(),
        change: { kind: 'save-flow', mode: 'save', flow: { ...flow, source: `source ${revision}` } },
      };
      const key = flowKey(TENANT, NAMESPACE, flow.id);
      at(random.between(0, scenario.disturbedMs), outgoing({ topic: topics.resourceCommands, key, value }), () => {});
    }
  }
  for (const group of scenario.groups ? GROUPS : []) {
    const after = scenario.groups?.registerAfter[group] ?? 0;
    at(after, registration(topics, group, clock.now() + after), () => {});
  }
  return { requested, killed, isDone: () => open === 0 };
}

/** How a user asks for an execution. */
export function requestOf(
  { id: executionId, flow }: Pick<PlannedExecution, 'id' | 'flow'>,
  at: number,
): ExecutionEvent {
  const { tenant, namespace, id: flowId, revision: flowRevision } = flow;
  const reference = { tenant, executionId, namespace, flowId, flowRevision };
  return {
    kind: 'execution-requested',
    created: { kind: 'created', ...reference, inputs: {}, originalId: executionId },
    variables: {},
    labels: [],
    at,
  };
}

const slotsOf = ({ tenant, namespace, id: flowId }: Flow) => ({ tenant, namespace, flowId });
