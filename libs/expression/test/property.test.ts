import fc from 'fast-check';
import { ExpressionError, parseTemplate, renderString, renderTyped, variablesOf } from '../src/index.js';
import { anEnvironment } from './rendering.js';

const variables = variablesOf({
  a: { b: [1, 'x', null, { c: true }], 'd-e': 2.5 },
  n: 7,
  s: "it's {{ n }}",
  t: '{{ render(s) }}',
  nothing: null,
});
const limits = { steps: 20_000, outputBytes: 100_000 };

/** Only ExpressionError may come out, in bounded time. */
function survives(template: string): void {
  for (const render of [renderString, renderTyped]) {
    try {
      render(template, variables, anEnvironment({ limits }));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      expect(error.line).toBeGreaterThan(0);
      expect(error.column).toBeGreaterThan(0);
    }
  }
  try {
    expect(parseTemplate(template).references).toBeDefined();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
  }
}

const words = fc.constantFrom(
  ...[
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    '{{-',
    '-}}',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    '.',
    ':',
    '=',
    '|',
    '?',
    '??',
    '???',
  ],
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '~',
    '..',
    '==',
    '!=',
    '<',
    '>',
    '<=',
    '>=',
    'and',
    'or',
    'not',
    'is',
    'contains',
    'isIn',
    'equals',
  ],
  ...[
    'if',
    'endif',
    'else',
    'elseif',
    'for',
    'in',
    'endfor',
    'set',
    'block',
    'endblock',
    'filter',
    'endfilter',
    'macro',
    'endmacro',
  ],
  ...[
    'raw',
    'endraw',
    'a',
    'b',
    'n',
    's',
    't',
    'nothing',
    'missing',
    'true',
    'null',
    '0',
    '1',
    '3.5',
    '99999999999',
    "'x'",
    '"y"',
  ],
  ...[
    'upper',
    'default',
    'date',
    'replace',
    'split',
    'number',
    'render',
    'range',
    'max',
    'defined',
    'empty',
    'x',
    'loop',
    '\n',
  ],
);

const leaf = fc.constantFrom(
  '1',
  '0',
  '2.5',
  '-3',
  "'x'",
  "'12'",
  "'2024-01-01'",
  'true',
  'null',
  'n',
  's',
  't',
  'a',
  'a.b',
  "a['d-e']",
  'nothing',
  'missing',
  '[1,2]',
  '{}',
);
const filters = fc.constantFrom(
  ...[
    'upper',
    'lower',
    'trim',
    'title',
    'capitalize',
    'slugify',
    'string',
    'first',
    'last',
    'length',
    'join',
    'reverse',
    'sort',
    'rsort',
  ],
  ...[
    'distinct',
    'flatten',
    'keys',
    'values',
    'className',
    'abs',
    'number',
    'numberFormat',
    'date',
    'timestamp',
    'timestampNano',
    'toJson',
  ],
  ...[
    'base64encode',
    'base64decode',
    'urlencode',
    'urldecode',
    'md5',
    "default('d')",
    "split(',')",
    'chunk(2)',
    'abbreviate(2)',
    'slice(1)',
  ],
  ...[
    "replace({'x': 'y'})",
    "replace({'.': '$0'}, regexp=true)",
    "escapeChar('shell')",
    'indent(2)',
    "dateAdd(1, 'DAYS')",
    'merge([1])',
  ],
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('+', '-', '*', '/', '%', '~', '==', '<', 'and', 'or', '??', '???', 'contains', 'isIn', '..'),
        tie('expression'),
      )
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie('expression'), filters).map(([input, filter]) => `(${input} | ${filter})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('defined', 'empty', 'even', 'null', 'json', 'map'))
      .map(([input, test]) => `(${input} is ${test})`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map((parts) => `(${parts.join(' ? ').replace(/ \? (?=[^?]*$)/, ' : ')})`),
    fc
      .tuple(
        fc.constantFrom('max', 'min', 'range', 'render', 'fromJson', 'nanoId', 'now', 'currentEachOutput'),
        tie('expression'),
      )
      .map(([name, argument]) => `${name}(${argument})`),
    fc.tuple(tie('expression'), tie('expression')).map(([target, key]) => `${target}[${key}]`),
  ),
}));

describe('whatever the template, rendering ends with text or an ExpressionError', () => {
  it('for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives));
  });

  it('for any text inside an expression', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => survives(`{{ ${text} }}`)));
  });

  it('for words of the language in any order', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (list) => survives(list.join(' '))),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (list) => survives(`{{ ${list.join(' ')}`)),
      { numRuns: 500 },
    );
  });

  it('for well-formed expressions', () => {
    fc.assert(
      fc.property(expression, (text) => survives(`{{ ${text} }}`)),
      { numRuns: 2000 },
    );
  });

  it('gives the same text for the same arguments', () => {
    fc.assert(
      fc.property(expression, (text) => {
        const once = (): unknown => {
          try {
            return renderString(`{{ ${text} }}`, variables, anEnvironment({ limits }));
          } catch (error) {
            return error instanceof ExpressionError ? error.message : error;
          }
        };
        expect(once()).toEqual(once());
      }),
    );
  });
});
