import { examineInputs } from '@millrace/flow';
import type { PlainObject } from '@millrace/model';
import { checksOf, variablesBeforeStart } from '../executions/checks.js';
import { givenInputs } from '../executions/given-inputs.js';
import { inputEnvironment } from '../executions/start.js';
import { json, type Answer } from '../http/answer.js';
import { notFound } from '../http/errors.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Stands for the id of an execution where none is made. */
const NO_EXECUTION = 'none';

/** Routes for forms of inputs. */
export function executionInputRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/executions/:namespace/:flowId/validate',
      parameters: ['revision'],
      body: { type: 'multipart/form-data' },
      access: permission('FLOW', 'EXECUTE', 'path'),
      summary: 'Check inputs and the checks of a flow without starting anything; files are not kept',
      handle: (call) => validateInputs(services, call),
    },
  ];
}

async function validateInputs(services: RouteServices, call: Call): Promise<Answer> {
  const { request, scope, query } = call;
  const [namespace, id] = [call.parameter('namespace'), call.parameter('flowId')];
  const revision = query.integer('revision', { min: 1, max: 2 ** 31 - 1 });
  const { flows } = services.running();
  await flows.refresh();
  const latest = flows.latest(scope, namespace, id);
  const flow = revision === undefined ? latest : latest && flows.revision(scope, namespace, id, revision);
  if (!flow) throw notFound(`There is no flow '${namespace}.${id}'`);
  const given = await givenInputs({
    request,
    flow,
    inputs: flow.definition.inputs ?? [],
    executionId: NO_EXECUTION,
    scope,
  });
  const { starting } = services;
  const environment = inputEnvironment(starting, starting.clock.now(), NO_EXECUTION);
  const seen = variablesBeforeStart(flow, NO_EXECUTION);
  const { inputs, values } = examineInputs(flow.definition, given, environment, seen);
  // While inputs are wrong or missing, checks that read them could only fail.
  const isComplete = inputs.every(({ errors }) => errors.length === 0);
  const checks = isComplete ? checksOf(flow, values as PlainObject, seen, environment) : [];
  return json({
    id,
    namespace,
    inputs: inputs.map(({ errors, ...rest }) => ({ ...rest, errors: errors.map((message) => ({ message })) })),
    checks: checks.map(({ message, style, behavior }) => ({ message, style, behavior })),
  });
}
