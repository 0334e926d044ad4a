import { excerpt, isPlainObject, type PlainObject } from '@millrace/model';
import type { Decision } from '../decision.js';
import type { UpdateTask } from './updates.js';

/** SetVariables: laid over the variables of the execution, map by map. */
export const setVariables: UpdateTask = ({ variables, overwrite = true }, decision) => {
  const given = parsed(variables);
  if (!isPlainObject(given))
    throw new Error(`The variables are ${excerpt(variables)}: give a map of names and values.`);
  const { variables: present } = decision.view.variables;
  if (!isOn(overwrite)) {
    const taken = Object.keys(given).filter((name) => Object.hasOwn(present, name));
    if (taken.length > 0) {
      throw new Error(`The variable '${taken.join("', '")}' exists already, and 'overwrite' is false.`);
    }
  }
  refuseTooLarge(decision, present, given);
  return { facts: [{ kind: 'variables-merged', variables: given }] };
};

/** UnsetVariables: removes variables, or members of maps by their names with dots. */
export const unsetVariables: UpdateTask = ({ variables: written, ignoreMissing = false }, decision) => {
  const variables = parsed(written);
  if (!Array.isArray(variables) || !variables.every((path) => typeof path === 'string')) {
    throw new Error(`The variables are ${excerpt(written)}: give a list of names.`);
  }
  const { variables: present } = decision.view.variables;
  const missing = variables.filter((path) => !isThere(present, path.split('.')));
  if (missing.length > 0 && !isOn(ignoreMissing)) {
    throw new Error(`There is no variable '${missing.join("', '")}': correct the name, or set 'ignoreMissing'.`);
  }
  return { facts: [{ kind: 'variables-removed', paths: variables }] };
};

/** Rendered flags may be text. */
const isOn = (value: unknown): boolean => value === true || (typeof value === 'string' && value.trim() === 'true');

/** An expression for the whole gives JSON text. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function isThere(variables: unknown, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true;
  return isPlainObject(variables) && Object.hasOwn(variables, name) && isThere(variables[name], rest);
}

function refuseTooLarge({ context }: Decision, present: PlainObject, given: PlainObject): void {
  const { outputBytes } = context.limits;
  const size = JSON.stringify(present).length + JSON.stringify(given).length;
  if (size <= outputBytes) return;
  throw new Error(`The variables would have ${size} characters, and at most ${outputBytes} are allowed: use a file.`);
}
