import { decide, type Scope } from '@millrace/authorization';
import { executionTriggerOf, type Flow, type PlainObject } from '@millrace/model';
import { presentExecution, type ExecutionRecords } from '@millrace/repository';
import { evaluateCall, type FlowTriggers, type TriggerPlan } from '@millrace/schedule';
import { json, NO_CONTENT, text, type Answer } from '../http/answer.js';
import { BODY_LIMITS, inTime, readAnyText } from '../http/body.js';
import { HttpError, notFound } from '../http/errors.js';
import { anonymous, type Call, type Route } from '../http/route.js';
import type { EndOfExecution } from '../executions/executions.js';
import { startExecution } from '../executions/start.js';
import { callVariables, responseStatus, webhookWith } from '../triggers/webhook.js';
import type { RouteServices } from './services.js';

const PATH = '/executions/webhook/:namespace/:flowId/:key';
const METHODS = ['GET', 'POST', 'PUT'] as const;

/** Webhooks: called by strangers, who know the key (spec triggers.md §5). */
export function webhookRoutes(services: RouteServices): readonly Route[] {
  const access = anonymous('the key in the URL is the secret; it is compared in constant time');
  return METHODS.flatMap((method): Route[] => [
    {
      method,
      area: 'tenant',
      path: PATH,
      ...(method === 'GET' ? {} : { body: { type: '*/*' } }),
      access,
      summary: 'Call a webhook: starts an execution',
      handle: (call) => called(services, call),
    },
    {
      method,
      area: 'tenant',
      path: `${PATH}/:path`,
      access,
      summary: 'No webhook has more than a key',
      handle: () => {
        throw noWebhook();
      },
    },
  ]);
}

/** The same whether there is no such flow, webhook or key: strangers learn nothing. */
const noWebhook = (): HttpError => notFound('There is no such webhook');

async function called(services: RouteServices, call: Call): Promise<Answer> {
  const { clock } = services.context;
  const [namespace, flowId, key] = [call.parameter('namespace'), call.parameter('flowId'), call.parameter('key')];
  const scope = scopeOf(call.tenant, namespace);
  const { flow, of, plan } = await webhookOf(services, scope, { namespace, flowId, key });
  if (flow.definition.disabled === true || plan.isDisabled) {
    throw new HttpError(409, `The flow or its trigger '${plan.id}' is disabled`);
  }
  const body = await inTime(readAnyText(call.request, BODY_LIMITS.webhook), clock);
  const variables = callVariables(call.request, call.query, body);
  const evaluation = evaluateCall(plan, of, variables, clock.now());
  if (evaluation.kind === 'not-met') return NO_CONTENT;
  if (evaluation.kind === 'failed') {
    services.context.log.warn({ namespace, flowId, triggerId: plan.id }, evaluation.message);
    if (evaluation.during === 'conditions') return NO_CONTENT;
    throw new HttpError(409, evaluation.message);
  }
  return started(services, call, { scope, flow, of, plan, ...evaluation });
}

/** Whoever has the key may do what the flow's webhook does, and nothing outside its namespace. */
function scopeOf(tenant: string, namespace: string): Scope {
  const caller = {
    id: 'webhook',
    username: 'webhook',
    active: true,
    superAdmin: false,
    tenants: [tenant],
    grants: [{ tenant, role: 'admin', namespace }],
  } as const;
  const decision = decide(caller, { resource: 'FLOW', action: 'EXECUTE' }, tenant, namespace);
  if (!decision.allowed) throw noWebhook();
  return decision.scope;
}

interface Webhook {
  readonly flow: Flow;
  readonly of: FlowTriggers;
  readonly plan: TriggerPlan;
}

/** What is not known here may have been saved through another server just now. @throws HttpError 404 */
async function webhookOf(
  services: RouteServices,
  scope: Scope,
  { namespace, flowId, key }: { readonly namespace: string; readonly flowId: string; readonly key: string },
): Promise<Webhook> {
  const { flows } = services.running();
  const find = async (): Promise<Webhook | undefined> => {
    const flow = flows.latest(scope, namespace, flowId);
    if (!flow) return undefined;
    const of = await services.triggerPlans.of(flow);
    const plan = webhookWith(key, of);
    return plan && { flow, of, plan };
  };
  const known = await find();
  if (known) return known;
  await flows.refresh();
  const found = await find();
  if (!found) throw noWebhook();
  return found;
}

interface Started extends Webhook {
  readonly scope: Scope;
  readonly variables: PlainObject;
  readonly given: PlainObject;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
}

async function started(services: RouteServices, call: Call, webhook: Started): Promise<Answer> {
  const { scope, flow, of, plan, variables, given, labels } = webhook;
  const { executions } = services.running();
  const waits = plan.definition['wait'] === true;
  let end: EndOfExecution | undefined;
  if (waits) call.response.once('close', () => end?.cancel());
  try {
    const requested = await startExecution(services.starting, {
      request: call.request,
      scope,
      flow,
      labels: labels.map(({ key, value }) => `${key}:${value}`),
      given,
      trigger: executionTriggerOf(plan, variables, false),
      systemLabels: [{ key: 'system.from', value: 'trigger' }],
      ...(waits && { beforePublish: (executionId: string) => void (end = executions.awaitEnd(scope, executionId)) }),
    });
    const ended = await end?.ended;
    if (!ended) return shown(plan, flow, requested, 200);
    return shown(plan, flow, ended, responseStatus(plan, of, ended));
  } catch (error) {
    // What is wrong with the inputs is the flow's, not the caller's.
    if (error instanceof HttpError && error.status === 422)
      throw new HttpError(409, error.message, { faults: error.faults });
    throw error;
  } finally {
    end?.cancel();
  }
}

function shown({ definition }: TriggerPlan, flow: Flow, execution: ExecutionRecords, status: number): Answer {
  const { head } = execution;
  const isEnd = definition['wait'] === true;
  const value = isEnd && definition['returnOutputs'] === true ? (head.outputs ?? {}) : responseOf(flow, execution);
  if (definition['responseContentType'] !== 'text/plain') return json(value, status);
  return { ...text(plainText(value)), status };
}

/** What the reference answers: an execution without its task runs. */
function responseOf({ tenant }: Flow, execution: ExecutionRecords): PlainObject {
  const { id, namespace, flowId, flowRevision, trigger, outputs, labels, state } = presentExecution(execution);
  return {
    tenantId: tenant,
    id,
    namespace,
    flowId,
    flowRevision,
    ...(trigger === undefined ? {} : { trigger }),
    ...(outputs === undefined ? {} : { outputs }),
    labels,
    state,
    url: `/ui/${tenant}/executions/${namespace}/${flowId}/${id}`,
  };
}

/** A single output as its text, all else as JSON. */
function plainText(value: PlainObject): string {
  const members = Object.values(value);
  return members.length === 1 && typeof members[0] === 'string' ? members[0] : JSON.stringify(value);
}
