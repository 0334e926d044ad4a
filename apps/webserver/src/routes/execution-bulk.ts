import { STATES, type ExecutionHead, type ExecutionOperation, type Label } from '@millrace/model';
import { forEachHead, headsByIds, headsByQuery, IDS, IDS_SCHEMA, type Action } from '../executions/bulk.js';
import { CHECKS, operate, type Check } from '../executions/operations.js';
import { latestRevision, replayExecution } from '../executions/replay.js';
import { requiredState } from '../executions/state-parameter.js';
import type { Answer } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { permission, type Call, type Route } from '../http/route.js';
import { checkedLabels, DELETIONS, kill, LABELS_SCHEMA, remove } from './execution-operations.js';
import type { RouteServices } from './services.js';

/** What is done with many executions: all that were named, or none when one of them cannot be changed. */
interface Bulk {
  /** As in the paths. */
  readonly name: string;
  readonly method: 'POST' | 'DELETE';
  readonly right: Parameters<typeof permission>[1];
  readonly summary: string;
  readonly parameters: readonly string[];
  check(call: Call): Check;
  /** Reads the query once. @throws HttpError 400, 422 */
  action(services: RouteServices, call: Call): Action;
}

/** Asks each execution for the same. */
const asking =
  (operation: (call: Call) => ExecutionOperation): Bulk['action'] =>
  (services, call) => {
    const asked = operation(call);
    return (head) => operate(services, call, head, asked);
  };

const BULKS: readonly Bulk[] = [
  {
    name: 'kill/',
    method: 'DELETE',
    right: 'KILL',
    summary: 'Kill executions',
    parameters: ['isOnKillCascade'],
    check: () => CHECKS.kill,
    action: (services, call) => (head) => kill(services, call, head),
  },
  {
    name: '',
    method: 'DELETE',
    right: 'DELETE',
    summary: 'Delete executions',
    parameters: ['includeNonTerminated', ...DELETIONS],
    check: ({ query }) => (query.flag('includeNonTerminated', false) ? () => undefined : CHECKS.delete),
    action: (services, call) => (head) => remove(services, call, head),
  },
  {
    name: 'pause/',
    method: 'POST',
    right: 'PAUSE',
    summary: 'Pause executions',
    parameters: [],
    check: () => CHECKS.pause,
    action: asking(() => ({ kind: 'pause' })),
  },
  {
    name: 'resume/',
    method: 'POST',
    right: 'RESUME',
    summary: 'Resume executions',
    parameters: [],
    check: () => CHECKS.resume,
    action: asking(() => ({ kind: 'resume', given: {} })),
  },
  {
    name: 'restart/',
    method: 'POST',
    right: 'RESTART',
    summary: 'Restart executions where they failed',
    parameters: [],
    check: () => CHECKS.restart,
    action: asking(() => ({ kind: 'restart' })),
  },
  {
    name: 'replay/',
    method: 'POST',
    right: 'REPLAY',
    summary: 'Start new executions with the inputs of these',
    parameters: ['latestRevision'],
    check: () => CHECKS.replay,
    action: replaying,
  },
  {
    name: 'force-run/',
    method: 'POST',
    right: 'FORCE_RUN',
    summary: 'Run executions that wait',
    parameters: [],
    check: () => CHECKS['force-run'],
    action: asking(() => ({ kind: 'force-run' })),
  },
  {
    name: 'unqueue/',
    method: 'POST',
    right: 'UNQUEUE',
    summary: 'Take executions out of the queues of their flows',
    parameters: ['state', 'newState'],
    check: () => CHECKS.unqueue,
    action: asking(({ query }) => ({
      kind: 'unqueue',
      state: query.choice('state', STATES) ?? query.choice('newState', STATES) ?? 'RUNNING',
    })),
  },
  {
    name: 'change-status/',
    method: 'POST',
    right: 'UPDATE',
    summary: 'Change the state of executions that have ended',
    parameters: ['newStatus'],
    check: () => CHECKS['change-status'],
    action: asking(({ query }) => ({ kind: 'change-status', state: requiredState(query, 'newStatus') })),
  },
];

function replaying(services: RouteServices, call: Call): Action {
  const latest = call.query.flag('latestRevision', false);
  return async (head: ExecutionHead) => {
    const revision = latest ? latestRevision(services, call, head) : undefined;
    await replayExecution(services, call, head, revision === undefined ? {} : { revision });
  };
}

const LABELS_BY_IDS = jsonBody<{ executionsId: string[]; executionLabels: Label[] }>({
  type: 'object',
  required: ['executionsId', 'executionLabels'],
  additionalProperties: false,
  properties: { executionsId: IDS_SCHEMA, executionLabels: LABELS_SCHEMA },
});
const LABELS = jsonBody<Label[]>(LABELS_SCHEMA);

/** Routes that change many executions at once, by their ids or by a query. */
export function executionBulkRoutes(services: RouteServices): readonly Route[] {
  return [...BULKS.flatMap((bulk) => bulkRoutes(services, bulk)), ...labelRoutes(services)];
}

function bulkRoutes(services: RouteServices, bulk: Bulk): readonly Route[] {
  const { name, method, right, summary, parameters } = bulk;
  const change = async (call: Call, found: (check: Check) => Promise<readonly ExecutionHead[]>): Promise<Answer> => {
    const action = bulk.action(services, call);
    return forEachHead(await found(bulk.check(call)), action);
  };
  return [
    {
      method,
      area: 'tenant',
      path: `/executions/${name}by-ids`,
      body: IDS,
      parameters,
      access: permission('EXECUTION', right, 'each'),
      summary: `${summary}; all or none`,
      async handle(call) {
        const ids = await IDS.read(call.request);
        return change(call, (check) => headsByIds(services, call, ids, check));
      },
    },
    {
      method,
      area: 'tenant',
      path: `/executions/${name}by-query`,
      parameters: [...parameters, ...queryParameters(parameters)],
      access: permission('EXECUTION', right, 'filter'),
      summary: `${summary} that a query matches; all or none`,
      handle: (call) => change(call, (check) => headsByQuery(services, call, check)),
    },
  ];
}

/** Filters in their old form; `state` may mean something else here. */
const queryParameters = (own: readonly string[]): readonly string[] =>
  ['q', 'namespace', 'flowId', 'state', 'labels', 'startDate', 'endDate', 'timeRange'].filter(
    (name) => !own.includes(name),
  );

function labelRoutes(services: RouteServices): readonly Route[] {
  const check = CHECKS['set-labels'];
  const setting = (call: Call, labels: readonly Label[]): Action => {
    const operation: ExecutionOperation = { kind: 'set-labels', labels: checkedLabels(labels) };
    return (head) => operate(services, call, head, operation);
  };
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/labels/by-ids',
      body: LABELS_BY_IDS,
      access: permission('EXECUTION', 'CHANGE_LABELS', 'each'),
      summary: 'Replace the labels of executions that have ended; all or none',
      async handle(call) {
        const { executionsId, executionLabels } = await LABELS_BY_IDS.read(call.request);
        const action = setting(call, executionLabels);
        return forEachHead(await headsByIds(services, call, executionsId, check), action);
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/labels/by-query',
      body: LABELS,
      parameters: queryParameters([]),
      access: permission('EXECUTION', 'CHANGE_LABELS', 'filter'),
      summary: 'Replace the labels of executions that have ended and that a query matches; all or none',
      async handle(call) {
        const action = setting(call, await LABELS.read(call.request));
        return forEachHead(await headsByQuery(services, call, check), action);
      },
    },
  ];
}
