import { readIon } from '../ion/read.js';
import { ionText } from '../ion/write.js';
import { typeName } from '../values.js';
import { booleanArgument } from './arguments.js';
import type { Filters, Functions } from './definition.js';

/** `toIon`: compact Ion text. */
export const ION_FILTERS: Filters = {
  toIon: { parameters: [], acceptsNull: true, apply: (input, _, run) => ionText(input, run) },
};

/** `fromIon`: the first value of Ion text, or the list of all. */
export const ION_FUNCTIONS: Functions = {
  fromIon: {
    parameters: ['ion', 'allRows'],
    required: 1,
    call: ([text, allRows], run) => {
      const all = booleanArgument(allRows, 'allRows', run, false);
      if (text === null || text === undefined) return null;
      if (typeof text !== 'string') return run.fail('type', `fromIon needs text, but got ${typeName(text)}`);
      const rows = readIon(text, run);
      return all ? rows : (rows[0] ?? null);
    },
  },
};
