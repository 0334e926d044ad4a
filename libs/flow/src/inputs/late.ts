import type { Environment } from '@millrace/expression';
import { isPlainObject, type FlowSource, type PlainObject } from '@millrace/model';
import { inputId } from './order.js';
import { resolveInputs } from './resolve.js';

/**
 * The inputs of an execution with the defaults of inputs that it does not have, such as those that a later revision of
 * the flow added (spec flow.md §3). A default that cannot be rendered or converted is left out.
 *
 * @param variables what the defaults may read besides the inputs
 */
export function withLateDefaults(
  flow: Pick<FlowSource, 'inputs'>,
  inputs: PlainObject,
  environment: Environment,
  variables: PlainObject = {},
): PlainObject {
  const late = (flow.inputs ?? []).filter(
    (input) => (input.defaults ?? null) !== null && !has(inputs, inputId(input).split('.')),
  );
  let result = inputs;
  for (const { dependsOn: _, ...input } of late) {
    const resolved = resolveInputs({ inputs: [input] }, {}, environment, { ...variables, inputs });
    if ('values' in resolved) result = merged(result, resolved.values);
  }
  return result;
}

function has(map: PlainObject, steps: readonly string[]): boolean {
  if (Object.hasOwn(map, steps.join('.'))) return true;
  const [step = '', ...rest] = steps;
  if (!Object.hasOwn(map, step)) return false;
  const below = map[step];
  return rest.length === 0 || (isPlainObject(below) && has(below, rest));
}

/** Maps are merged, so that `a.b` finds its place beside `a.c`. */
function merged(under: PlainObject, over: PlainObject): PlainObject {
  const result: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, name) ? under[name] : undefined;
    result[name] = isPlainObject(below) && isPlainObject(value) ? merged(below, value) : value;
  }
  return result;
}
