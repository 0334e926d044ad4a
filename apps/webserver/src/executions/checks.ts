import type { Environment } from '@millrace/expression';
import { failedChecks, labelsOf, nestLabels, strongestBehavior, type FailedCheck } from '@millrace/flow';
import type { Flow, PlainObject } from '@millrace/model';
import { unprocessable } from '../http/errors.js';

/** What inputs, their conditions and checks may read before there is an execution. */
export const variablesBeforeStart = (flow: Flow, executionId: string): PlainObject => ({
  vars: flow.definition.variables ?? {},
  labels: nestLabels(labelsOf(flow.definition.labels)),
  flow: { id: flow.id, namespace: flow.namespace, revision: flow.revision, tenantId: flow.tenant },
  execution: { id: executionId },
});

/** The checks of a flow that do not hold for these inputs. */
export const checksOf = (
  flow: Flow,
  inputs: PlainObject,
  variables: PlainObject,
  environment: Environment,
): readonly FailedCheck[] => failedChecks(flow.definition, { ...variables, inputs }, environment);

/**
 * Why the execution is to be created FAILED, when a check demands that.
 * @throws HttpError 422 with every message when a check blocks the start
 */
export function failureAtStart(failed: readonly FailedCheck[]): string | undefined {
  const behavior = strongestBehavior(failed);
  if (behavior === undefined || behavior === 'CREATE_EXECUTION') return undefined;
  const messages = failed.filter((check) => check.behavior === behavior).map(({ message }) => message);
  const told = messages.join(' ');
  if (behavior === 'FAIL_EXECUTION') return `A check of the flow does not hold: ${told}`;
  throw unprocessable(
    `A check of the flow does not hold, so the execution was not created: ${told}`,
    failed.map(({ message, index }) => ({ message, path: `checks[${index}]` })),
  );
}
