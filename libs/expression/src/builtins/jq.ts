import { runJq } from '../jq/run-jq.js';
import type { Run } from '../run.js';
import { textArgument } from './arguments.js';
import type { Filters } from './definition.js';

/** `jq`: the list of all results of a jq program. */
export const JQ_FILTERS: Filters = {
  jq: {
    parameters: ['expression'],
    required: 1,
    apply: (input, [expression], run) => runJq(textArgument(expression, 'expression', run), inputOf(input, run), run),
  },
};

/** Text is read as JSON; everything else is the input as it is. */
function inputOf(input: unknown, run: Run): unknown {
  if (typeof input !== 'string') return run.materialise(input);
  try {
    const parsed: unknown = JSON.parse(run.made(input));
    return parsed;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return run.fail('type', `jq works on JSON, but the text is none: ${error.message}`, error);
  }
}
