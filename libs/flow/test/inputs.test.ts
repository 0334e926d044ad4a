import type { Environment } from '@millrace/expression';
import type { FlowSource, Input } from '@millrace/model';
import {
  convertOutput,
  convertValue,
  resolveInputs as resolveAll,
  type ResolvedInputs,
  type ValueDeclaration,
} from '@millrace/flow';
import { flowWith, HELLO, parse } from './catalog.js';

const environment: Environment = { now: Date.UTC(2026, 10, 22), random: () => 0.5, timeZone: 'UTC' };

/** None of these inputs is secret, so what can be read is what is stored. */
function resolveInputs(...given: Parameters<typeof resolveAll>): ResolvedInputs {
  const resolved = resolveAll(...given);
  expect('readable' in resolved).toBe(false);
  return resolved;
}

describe('convertValue', () => {
  it.each<[ValueDeclaration, unknown, unknown]>([
    [{ type: 'STRING' }, 'a', 'a'],
    [{ type: 'STRING' }, 5, '5'],
    [{ type: 'STRING' }, { a: 1 }, '{"a":1}'],
    [{ type: 'STRING', validator: '[A-Z]+-[0-9]+' }, 'AB-1', 'AB-1'],
    [{ type: 'EMAIL' }, 'name@example.com', 'name@example.com'],
    [{ type: 'EMAIL' }, '', ''],
    [{ type: 'INT' }, '42', 42],
    [{ type: 'INT' }, ' -7 ', -7],
    [{ type: 'INT', min: 1, max: 10 }, 10, 10],
    [{ type: 'INT' }, 2147483647, 2147483647],
    [{ type: 'FLOAT' }, '1.5e3', 1500],
    [{ type: 'FLOAT' }, 2, 2],
    [{ type: 'BOOL' }, 'TRUE', true],
    [{ type: 'BOOL' }, 'yes', false],
    [{ type: 'BOOLEAN' }, true, true],
    [{ type: 'DATETIME' }, '2026-01-31T08:30:00Z', '2026-01-31T08:30:00Z'],
    [{ type: 'DATETIME' }, '2026-01-31T08:30:00.250+01:00', '2026-01-31T07:30:00.250Z'],
    [{ type: 'DATE', after: '2026-01-01', before: '2026-12-31' }, '2026-01-01', '2026-01-01'],
    [{ type: 'DATE' }, '2028-02-29', '2028-02-29'],
    [{ type: 'TIME' }, '08:30', '08:30'],
    [{ type: 'TIME', before: '09:00' }, '08:30:15', '08:30:15'],
    [{ type: 'DURATION', min: 'PT1S', max: 'PT1H' }, 'PT30M', 'PT30M'],
    [{ type: 'FILE' }, 'kestra:///team/demo/data.csv', 'kestra:///team/demo/data.csv'],
    [{ type: 'FILE', allowedFileExtensions: ['.csv'] }, 'nsfile:///data.CSV', 'nsfile:///data.CSV'],
    [{ type: 'JSON' }, '{"a":[1]}', { a: [1] }],
    [{ type: 'JSON' }, { a: 1 }, { a: 1 }],
    [{ type: 'JSON' }, 'null', null],
    [{ type: 'YAML' }, 'a: [on]', { a: [true] }],
    [{ type: 'URI' }, 'https://example.com/a?b=c', 'https://example.com/a?b=c'],
    [{ type: 'SELECT', values: ['dev', 'prod'] }, 'dev', 'dev'],
    [{ type: 'SELECT', values: ['dev'], allowCustomValue: true }, 'other', 'other'],
    [{ type: 'ENUM', values: [1, 2] }, 1, '1'],
    [{ type: 'MULTISELECT', values: ['a', 'b'] }, '["a"]', ['a']],
    [{ type: 'MULTISELECT', values: [1, 2], itemType: 'INT' }, ['2'], [2]],
    [{ type: 'ARRAY', itemType: 'INT' }, '[1, "2"]', [1, 2]],
    [{ type: 'ARRAY', itemType: 'STRING' }, [], []],
  ])('of %j takes %j', (declaration, value, expected) => {
    expect(convertValue(declaration, value)).toEqual({ value: expected });
  });

  it.each<[ValueDeclaration, unknown, string]>([
    [{ type: 'STRING', validator: '[A-Z]+' }, 'ABc', "is the text 'ABc' but must match '[A-Z]+' as a whole"],
    [{ type: 'EMAIL' }, 'name', "is the text 'name' but must be an e-mail address such as name@example.com"],
    [{ type: 'INT' }, '1.5', "is the text '1.5' but must be a whole number"],
    [{ type: 'INT' }, '', "is the text '' but must be a whole number"],
    [{ type: 'INT' }, 2147483648, 'is the number 2147483648 but must be between -2147483648 and 2147483647'],
    [{ type: 'INT', min: 1 }, 0, 'is the number 0 but must be 1 or more'],
    [{ type: 'INT', max: 10 }, '11', 'is the number 11 but must be 10 or less'],
    [{ type: 'FLOAT' }, 'NaN', "is the text 'NaN' but must be a number"],
    [
      { type: 'DATETIME' },
      '2026-01-31',
      "is the text '2026-01-31' but must be a date and time with zone such as 2026-01-31T08:30:00Z",
    ],
    [{ type: 'DATE' }, '2026-02-29', "is the text '2026-02-29' but must be a date such as 2026-01-31"],
    [{ type: 'DATE', after: '2026-01-02' }, '2026-01-01', "is the text '2026-01-01' but must be not before 2026-01-02"],
    [{ type: 'TIME' }, '24:00', "is the text '24:00' but must be a time such as 08:30 or 08:30:15"],
    [{ type: 'TIME', before: '09:00' }, '09:01', "is the text '09:01' but must be not after 09:00"],
    [{ type: 'DURATION', max: 'PT1M' }, 'PT61S', "is the text 'PT61S' but must be at most PT1M"],
    [
      { type: 'FILE' },
      '/etc/passwd',
      "is the text '/etc/passwd' but must be a file, or the URI of one that begins with kestra://, file:// or nsfile://",
    ],
    [
      { type: 'FILE', allowedFileExtensions: ['.csv', '.tsv'] },
      'kestra:///a.txt',
      "is the text 'kestra:///a.txt' but must be a file that ends with .csv or .tsv",
    ],
    [{ type: 'JSON' }, '{a}', "is the text '{a}' but must be JSON text"],
    [
      { type: 'YAML' },
      'a: b: c',
      "is not YAML: There is a second ': ' in this value, which YAML would read as another property: put the value in quotes, or begin a new line.",
    ],
    [
      { type: 'URI' },
      'example.com/a',
      "is the text 'example.com/a' but must be a URI with a scheme such as https://example.com",
    ],
    [
      { type: 'SELECT', values: ['dev', 'prod'] },
      'pord',
      "cannot be 'pord' (did you mean 'prod'?): it must be dev or prod",
    ],
    [
      { type: 'MULTISELECT', values: ['a', 'b'] },
      ['a', 'x'],
      "has an item that is refused: item 2 cannot be 'x': it must be a or b",
    ],
    [
      { type: 'ARRAY', itemType: 'INT' },
      [1, 'x'],
      "has an item that is refused: item 2 is the text 'x' but must be a whole number",
    ],
    [{ type: 'ARRAY', itemType: 'INT' }, 'x', "is the text 'x' but must be a list, or the JSON text of one"],
  ])('of %j refuses %j', (declaration, value, reason) => {
    expect(convertValue(declaration, value)).toEqual({ reason });
  });

  it('matches a validator in linear time', () => {
    const declaration: ValueDeclaration = { type: 'STRING', validator: '(a+)+b' };
    expect(convertValue(declaration, 'a'.repeat(20_000))).toHaveProperty('reason');
  });
});

describe('convertOutput', () => {
  it('keeps a value without type and converts one with a type', () => {
    expect(convertOutput({ id: 'a', value: '' }, { x: 1 })).toEqual({ value: { x: 1 } });
    expect(convertOutput({ id: 'a', type: 'INT', value: '' }, '16')).toEqual({ value: 16 });
    expect(convertOutput({ id: 'a', type: 'ARRAY', itemType: 'INT', value: '' }, ['1'])).toEqual({ value: [1] });
    expect(convertOutput({ id: 'a', type: 'INT', value: '' }, 'x')).toEqual({
      reason: "is the text 'x' but must be a whole number",
    });
    expect(convertOutput({ id: 'a', type: 'INT', value: '' }, null)).toEqual({ value: null });
  });
});

/** The example of the specification: 24, inputs of many types. */
const MANY: Pick<FlowSource, 'inputs'> = {
  inputs: [
    { id: 'n', type: 'INT', min: 1, max: 10, defaults: 5 },
    { id: 'env', type: 'SELECT', values: ['dev', 'prod'], defaults: 'dev' },
    {
      id: 'ticket',
      type: 'STRING',
      validator: '[A-Z]+-[0-9]+',
      dependsOn: { inputs: ['env'], condition: "{{ inputs.env == 'prod' }}" },
    },
    { id: 'day', type: 'DATE', required: false },
    { id: 'tags', type: 'ARRAY', itemType: 'STRING', defaults: ['x'] },
  ],
};

describe('resolveInputs', () => {
  it('takes defaults, leaves disabled inputs out and sets missing optional ones to null', () => {
    expect(resolveInputs(MANY, {}, environment)).toEqual({
      values: { n: 5, env: 'dev', day: null, tags: ['x'] },
      ignored: [],
    });
  });

  it('asks for an input that a condition enables', () => {
    expect(resolveInputs(MANY, { env: 'prod' }, environment)).toEqual({
      faults: [{ input: 'ticket', message: "The input 'ticket' is missing: give it a value." }],
      ignored: [],
    });
    expect(resolveInputs(MANY, { env: 'prod', ticket: 'AB-1' }, environment)).toMatchObject({
      values: { ticket: 'AB-1' },
    });
  });

  it('finds all faults at once and names values that nobody declared', () => {
    expect(resolveInputs(MANY, { n: '11', day: 'soon', extra: 1 }, environment)).toEqual({
      faults: [
        { input: 'n', message: "The input 'n' is the number 11 but must be 10 or less." },
        { input: 'day', message: "The input 'day' is the text 'soon' but must be a date such as 2026-01-31." },
      ],
      ignored: ['extra'],
    });
  });

  const resolved = (inputs: readonly Input[], given: Readonly<Record<string, unknown>> = {}) =>
    resolveInputs({ inputs: [...inputs] }, given, environment);

  it('resolves dependencies first, whatever the order of declaration, and renders defaults with them', () => {
    const inputs: Input[] = [
      { id: 'greeting', type: 'STRING', defaults: 'hi {{ inputs.name }}', dependsOn: { inputs: ['name'] } },
      { id: 'name', type: 'STRING', defaults: 'me' },
    ];
    const result = resolved(inputs);
    expect(result).toEqual({ values: { greeting: 'hi me', name: 'me' }, ignored: [] });
    expect('values' in result && Object.keys(result.values)).toEqual(['greeting', 'name']);
  });

  it('disables what depends on a disabled or empty input', () => {
    const inputs: Input[] = [
      { id: 'a', type: 'STRING', required: false },
      { id: 'b', type: 'STRING', dependsOn: { inputs: ['a'] } },
      { id: 'c', type: 'STRING', dependsOn: { inputs: ['b'] } },
    ];
    expect(resolved(inputs, { c: 'given' })).toEqual({ values: { a: null }, ignored: [] });
  });

  it('says nothing about inputs whose dependency was refused', () => {
    const inputs: Input[] = [
      { id: 'a', type: 'INT' },
      { id: 'b', type: 'STRING', dependsOn: { inputs: ['a'] } },
    ];
    expect(resolved(inputs, { a: 'x' })).toMatchObject({ faults: [{ input: 'a' }] });
  });

  it('makes maps of ids with dots', () => {
    expect(
      resolved(
        [
          { id: 'db.host', type: 'STRING' },
          { id: 'db.port', type: 'INT' },
        ],
        { 'db.host': 'h', 'db.port': '1' },
      ),
    ).toEqual({
      values: { db: { host: 'h', port: 1 } },
      ignored: [],
    });
  });

  it('takes choices from an expression', () => {
    const inputs: Input[] = [
      { id: 'all', type: 'ARRAY', itemType: 'STRING', defaults: ['x', 'y'] },
      { id: 'one', type: 'SELECT', expression: '{{ inputs.all }}', dependsOn: { inputs: ['all'] } },
    ];
    expect(resolved(inputs, { one: 'y' })).toMatchObject({ values: { one: 'y' } });
    expect(resolved(inputs, { one: 'z' })).toMatchObject({ faults: [{ input: 'one' }] });
    expect(resolved([{ id: 'one', type: 'SELECT', expression: 'nothing' }], { one: 'y' })).toMatchObject({
      faults: [
        { input: 'one', message: "The values of input 'one' cannot be found: its expression must give a list." },
      ],
    });
  });

  it('selects the first value when asked to', () => {
    expect(resolved([{ id: 'one', type: 'SELECT', values: ['a', 'b'], autoSelectFirst: true }])).toMatchObject({
      values: { one: 'a' },
    });
  });

  it('reports a default that cannot be rendered', () => {
    expect(resolved([{ id: 'a', type: 'STRING', defaults: '{{ nowhere }}' }])).toMatchObject({
      faults: [{ input: 'a' }],
    });
  });

  it('reports a circle, which a stored flow should not have', () => {
    const inputs: Input[] = [
      { id: 'a', type: 'STRING', dependsOn: { inputs: ['b'] } },
      { id: 'b', type: 'STRING', dependsOn: { inputs: ['a'] } },
    ];
    expect(resolved(inputs)).toMatchObject({ faults: [{ input: 'a' }] });
  });

  it('resolves what a parsed flow declares', () => {
    const { definition } = parse(flowWith(`inputs: [{name: old, type: MULTISELECT, options: [a, b]}]\n${HELLO}`));
    expect(definition && resolveInputs(definition, { old: '["b"]' }, environment)).toEqual({
      values: { old: ['b'] },
      ignored: [],
    });
  });
});
