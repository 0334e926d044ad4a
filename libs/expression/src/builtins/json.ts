import type { Run } from '../run.js';
import { typeName } from '../values.js';
import type { BuiltinFunction, Filter, Filters, Functions } from './definition.js';

const toJson: Filter = { parameters: [], acceptsNull: true, apply: (input, _, run) => run.json(input) };
const fromJson: BuiltinFunction = {
  parameters: ['json'],
  required: 1,
  call: ([text], run) => (text === null || text === undefined ? null : parse(text, run)),
};

/** `toJson` and its old name. */
export const JSON_FILTERS: Filters = { toJson, json: toJson };
/** `fromJson` and its old name. */
export const JSON_FUNCTIONS: Functions = { fromJson, json: fromJson };

function parse(text: unknown, run: Run): unknown {
  if (typeof text !== 'string') return run.fail('type', `fromJson needs text, but got ${typeName(text)}`);
  run.made(text);
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (error) {
    return run.fail(
      'type',
      `the text is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`,
      error,
    );
  }
}
