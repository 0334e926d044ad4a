import { isTruthy } from '@millrace/model';
import {
  evaluateCondition,
  parseTemplate,
  renderDeep,
  renderDeepTyped,
  renderString,
  renderTyped,
  variablesOf,
} from '../src/index.js';
import { anEnvironment, failure, render, typed } from './rendering.js';

const values = {
  n: 5,
  half: 1.5,
  yes: true,
  nothing: null,
  text: 'hi',
  list: [1, { a: 2 }],
  map: { k: 'v' },
  quoted: '"',
};

describe('rendering to text', () => {
  it('returns a text without tags as it is', () => {
    for (const text of ['', 'plain', '{', '{ }', '} }', '{"a": {"b": 1}}', '%}']) expect(render(text)).toBe(text);
  });

  it.each([
    ['{{ n }}', '5'],
    ['{{ half }}', '1.5'],
    ['{{ yes }}', 'true'],
    ['{{ nothing }}', ''],
    ['{{ list }}', '[1,{"a":2}]'],
    ['{{ map }}', '{"k":"v"}'],
    ['{{ [quoted] }}', '["\\""]'],
    ['{{ 1e3 }}', undefined],
    ['{{ 123456789012 }}', '123456789012'],
    ['{{ date }}', '2024-01-02T03:04:05.000Z'],
    ['{{ [date] }}', '["2024-01-02T03:04:05.000Z"]'],
  ])('%s prints %j', (template, expected) => {
    const all = { ...values, date: new Date(Date.UTC(2024, 0, 2, 3, 4, 5)) };
    if (expected === undefined) expect(failure(template, all).kind).toBe('syntax');
    else expect(render(template, all)).toBe(expected);
  });

  it('renders once only', () => {
    expect(render('{{ a }}', { a: '{{ b }}' })).toBe('{{ b }}');
  });

  it('refuses to print what is no data', () => {
    expect(failure('{{ f }}', { f: () => 1 }).kind).toBe('type');
    expect(failure('{{ f }}', { f: new Map() }).kind).toBe('type');
  });
});

describe('rendering with types', () => {
  it.each<[string, unknown]>([
    ['{{ n }}', 5],
    ['{{ yes }}', true],
    ['{{ nothing }}', null],
    ['{{ list }}', [1, { a: 2 }]],
    ['{{ map }}', { k: 'v' }],
    ['{{ n }}{{ n }}', '55'],
    ['{{ n }} ', '5 '],
    ['number {{ n }}', 'number 5'],
    ['{{ nothing }}{{ text }}', 'hi'],
    ['', ''],
    ['plain', 'plain'],
    ['5', '5'],
    ['{# only a comment #}', null],
    ['{% if false %}x{% endif %}', null],
    ['{% if yes %}{{ n }}{% else %}x{% endif %}', 5],
    ['{% set x = 1 %}{{ x + 1 }}', 2],
    ['[{{ n }}, {{ map }}]', [5, { k: 'v' }]],
    ['{"a": {{ list }}}', { a: [1, { a: 2 }] }],
    ['list: {{ list }}', 'list: [1,{"a":2}]'],
    ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
    ['{{ "5" }}', '5'],
  ])('%s gives %j', (template, expected) => {
    expect(typed(template, values)).toEqual(expected);
  });

  it('does the same for parsed templates', () => {
    const template = parseTemplate('{{ n }}');
    expect(renderTyped(template, variablesOf(values), anEnvironment())).toBe(5);
    expect(renderString(template, variablesOf(values), anEnvironment())).toBe('5');
    expect(renderString(parseTemplate('a { b'), variablesOf(values), anEnvironment())).toBe('a { b');
  });

  it('repeats when the environment says so', () => {
    const recursive = { recursive: true };
    expect(typed('{{ a }}', { a: '{{ b }}', b: 'end' }, recursive)).toBe('end');
    expect(typed('{{ a }}', { a: 5 }, recursive)).toBe(5);
    expect(typed('{{ a }}', { a: '{% raw %}{{ b }}{% endraw %}', b: 1 }, recursive)).toBe('{{ b }}');
  });
});

describe('rendering of lists and maps', () => {
  const variables = variablesOf(values);

  it('renders keys and values, leaves what is not text', () => {
    const value = { '{{ text }}': '{{ n }}', list: ['{{ yes }}', 1, null, true, ['{{ map }}']], same: 2.5 };
    expect(renderDeep(value, variables, anEnvironment())).toEqual({
      hi: '5',
      list: ['true', 1, null, true, ['{"k":"v"}']],
      same: 2.5,
    });
    expect(renderDeepTyped(value, variables, anEnvironment())).toEqual({
      hi: 5,
      list: [true, 1, null, true, [{ k: 'v' }]],
      same: 2.5,
    });
  });

  it('keeps the first of keys that become equal', () => {
    expect(renderDeep({ '{{ text }}': 1, hi: 2 }, variables, anEnvironment())).toEqual({ hi: 1 });
    expect(renderDeep({ hi: 2, '{{ text }}': 1 }, variables, anEnvironment())).toEqual({ hi: 2 });
  });

  it('passes scalars and renders a text', () => {
    for (const scalar of [1, null, undefined, true])
      expect(renderDeep(scalar, variables, anEnvironment())).toBe(scalar);
    expect(renderDeep('{{ n }}', variables, anEnvironment())).toBe('5');
    expect(renderDeepTyped('{{ n }}', variables, anEnvironment())).toBe(5);
  });

  it('refuses data nested without end', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => renderDeep(deep, variables, anEnvironment())).toThrow(expect.objectContaining({ kind: 'limit' }));
  });
});

describe('truth', () => {
  it.each<[unknown, boolean]>([
    ['', false],
    ['  ', false],
    ['0', false],
    ['-0', false],
    [' 0 ', false],
    ['false', false],
    [' false\n', false],
    ['False', true],
    ['FALSE', true],
    ['00', true],
    ['0.0', true],
    ['true', true],
    ['no', true],
    ['[]', true],
    [null, false],
    [undefined, false],
    [false, false],
    [true, true],
    [0, false],
    [-0, false],
    [1, true],
    [[], true],
    [{}, true],
  ])('of %j is %s', (value, expected) => {
    expect(isTruthy(value)).toBe(expected);
  });

  it.each([
    ['{{ n > 2 }}', true],
    ['{{ n > 9 }}', false],
    ['{{ nothing }}', false],
    ['{{ n - 5 }}', false],
    ['{{ list }}', true],
    ['false', false],
    ['', false],
    ['anything', true],
    ['{{ n }} > 2', true],
    ['{% if n > 9 %}yes{% endif %}', false],
    [' {{ false }} ', false],
  ])('the condition %j is %s', (template, expected) => {
    expect(evaluateCondition(template, variablesOf(values), anEnvironment())).toBe(expected);
    expect(evaluateCondition(parseTemplate(template), variablesOf(values), anEnvironment())).toBe(expected);
  });
});

describe('parsed templates', () => {
  it('tell their form', () => {
    const form = (source: string): unknown => {
      const { isLiteral, single } = parseTemplate(source);
      return [isLiteral, single];
    };
    expect(form('plain { text }')).toEqual([true, false]);
    expect(form('')).toEqual([true, false]);
    expect(form('{{ a }}')).toEqual([false, true]);
    expect(form('{{- a -}}')).toEqual([false, true]);
    expect(form('{{ a }} ')).toEqual([false, false]);
    expect(form('{{ a }}{{ b }}')).toEqual([false, false]);
    expect(form('{% if a %}{% endif %}')).toEqual([false, false]);
    expect(form('{# c #}')).toEqual([false, false]);
    expect(form('{% raw %}a{% endraw %}')).toEqual([false, false]);
  });

  it('are kept and given again', () => {
    expect(parseTemplate('{{ cached }}')).toBe(parseTemplate('{{ cached }}'));
    const first = parseTemplate('{{ evicted }}');
    for (let index = 0; index < 1001; index++) parseTemplate(`{{ filler${index} }}`);
    expect(parseTemplate('{{ evicted }}')).not.toBe(first);
  });
});
