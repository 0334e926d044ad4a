import { parse, stringify } from 'yaml';
import type { Run } from '../run.js';
import { typeName } from '../values.js';
import type { Filters, Functions } from './definition.js';

/** Steps that reading or writing one character costs: YAML is far slower than JSON. */
const STEPS_PER_UNIT = 1 / 2;

/** `yaml`: a value as a YAML document, with the line break at its end. */
export const YAML_FILTERS: Filters = {
  // The reference prints the word null here, without the line break.
  yaml: { parameters: [], acceptsNull: true, apply: (input, _, run) => (input === null ? 'null' : write(input, run)) },
};

/** `yaml`: reads a YAML document. */
export const YAML_FUNCTIONS: Functions = {
  yaml: {
    parameters: ['yaml'],
    required: 1,
    call: ([text], run) => (text === null || text === undefined ? null : read(text, run)),
  },
};

function write(value: unknown, run: Run): string {
  // Through JSON: it counts the work, reads lazy maps and refuses what is no data.
  const json = run.json(value);
  run.step(Math.ceil(json.length * STEPS_PER_UNIT));
  const data: unknown = JSON.parse(json);
  return run.made(stringify(data, { lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false }));
}

function read(text: unknown, run: Run): unknown {
  if (typeof text !== 'string') return run.fail('type', `yaml needs text, but got ${typeName(text)}`);
  run.step(Math.ceil(text.length * STEPS_PER_UNIT));
  try {
    const data: unknown = parse(text, { merge: true, logLevel: 'error', prettyErrors: false });
    return run.materialise(data ?? null);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    return run.fail('type', `the text is not YAML: ${error.message}`, error);
  }
}
