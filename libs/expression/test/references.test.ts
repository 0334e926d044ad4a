import { ANY, CURRENT_EACH, parseTemplate, referencesOf, type Segment } from '../src/index.js';

const paths = (source: string): readonly (readonly Segment[])[] =>
  parseTemplate(source).references.map(({ path }) => path);
const value = ['taskrun', 'value'];

describe('references', () => {
  it.each<[string, readonly (readonly Segment[])[]]>([
    ['plain', []],
    ['{{ 1 + 1 }}', []],
    ['{{ a }}', [['a']]],
    ['{{ a.b.c }}', [['a', 'b', 'c']]],
    ["{{ a['b-c'].d }}", [['a', 'b-c', 'd']]],
    ['{{ parents[0].outputs }}', [['parents', 0, 'outputs']]],
    ['{{ outputs.one[taskrun.value].value }}', [value, ['outputs', 'one', { reference: value }, 'value']]],
    [
      '{{ a[b[c.d]].e }}',
      [
        ['c', 'd'],
        ['b', { reference: ['c', 'd'] }],
        ['a', { reference: ['b', { reference: ['c', 'd'] }] }, 'e'],
      ],
    ],
    ['{{ a[b ~ "c"].d }}', [['b'], ['a', ANY]]],
    [
      '{{ a[b[1 + 1]].d }}',
      [
        ['b', ANY],
        ['a', ANY],
      ],
    ],
    ['{{ a[f(b)].d }}', [['b'], ['a', ANY]]],
    [
      '{{ a.b }}{{ a.b }}{{ a.c }}',
      [
        ['a', 'b'],
        ['a', 'c'],
      ],
    ],
    ['{{ a ?? b.c }}', [['a'], ['b', 'c']]],
    ['{{ a.b is defined ? c : d | default(e) }}', [['a', 'b'], ['c'], ['d'], ['e']]],
    ['{{ [a, {"k": b, c: 1}] }}', [['a'], ['b'], ['c']]],
    ['{{ not a and -b > (c).d }}', [['a'], ['b'], ['c', 'd']]],
    ['{{ "x" | replace({a: b}, regexp=c) }}', [['a'], ['b'], ['c']]],
    ['{{ max(a.b, c) }}', [['a', 'b'], ['c']]],
    ['{{ fromJson(a.b).c.d }}', [['a', 'b']]],
    ['{% if a %}{{ b }}{% elseif c %}{{ d }}{% else %}{{ e }}{% endif %}', [['a'], ['b'], ['c'], ['d'], ['e']]],
    [
      '{% for x in a.list %}{{ x.y }}{{ loop.index }}{{ b }}{% else %}{{ x }}{% endfor %}',
      [['a', 'list'], ['b'], ['x']],
    ],
    ['{% for x in a %}{{ c[x].d }}{% endfor %}', [['a'], ['c', ANY]]],
    ['{% set x = a.b %}{{ x.c }}{{ d }}', [['a', 'b'], ['d']]],
    ['{{ x }}{% set x = 1 %}{{ x }}', [['x']]],
    ['{% if a %}{% set x = 1 %}{% endif %}{{ x }}', [['a'], ['x']]],
    ['{% block n %}{{ a }}{% endblock %}', [['a']]],
    ['{% filter replace({"a": b}) %}{{ c }}{% endfilter %}', [['b'], ['c']]],
    ['{% macro m(p, q=d.e) %}{{ p.x }}{{ q }}{{ a }}{% endmacro %}{{ m(b.c) }}', [['d', 'e'], ['a'], ['b', 'c']]],
    ['{% raw %}{{ a }}{% endraw %}{# {{ b }} #}', []],
    ['{{ currentEachOutput(outputs.one).value }}', [value, ['parents'], ['outputs', 'one', CURRENT_EACH, 'value']]],
    ["{{ currentEachOutput(outputs['a-b']) }}", [value, ['parents'], ['outputs', 'a-b', CURRENT_EACH]]],
    ["{{ tasksWithState('FAILED') }}", [['tasks']]],
    ['{{ fetchContext() }}', [[]]],
    ['{{ printContext() }}', [[]]],
    ['{{ render(vars.x) }}', [['vars', 'x'], []]],
    ['{{ renderOnce(vars.x) }}', [['vars', 'x'], []]],
    ["{{ renderOnce('{{ a.b }}') }}", [['a', 'b']]],
    ["{{ render('{{ a.b }}', recursive=false) }}", [['a', 'b']]],
    ["{{ render('{{ a.b }}', false) }}", [['a', 'b']]],
    ["{{ render('{{ a.b }}') }}", [['a', 'b'], []]],
    ["{{ render('{{ 1 + 1 }}') }}", []],
    ["{{ render('{{ broken') }}", []],
    ["{% set x = 1 %}{{ renderOnce('{{ x }}{{ y }}') }}", [['y']]],
  ])('of %s', (source, expected) => {
    expect(paths(source)).toEqual(expected);
  });

  it('lists the functions and tells whether a host is needed', () => {
    const needs = (source: string): unknown => {
      const { functions, isPure } = parseTemplate(source);
      return { functions, isPure };
    };
    expect(needs('{{ a | upper }}')).toEqual({ functions: [], isPure: true });
    expect(needs('{{ now() }}{{ max(1, now()) }}')).toEqual({ functions: ['max', 'now'], isPure: true });
    expect(needs("{{ secret('x') }}")).toEqual({ functions: ['secret'], isPure: false });
    expect(needs('{% macro secret(x) %}{% endmacro %}{{ secret(1) }}')).toEqual({ functions: [], isPure: true });
    expect(needs('{{ currentEachOutput(outputs.a) }}')).toEqual({ functions: ['currentEachOutput'], isPure: true });
    expect(needs('{{ render(vars.x) }}')).toEqual({ functions: ['render'], isPure: false });
    expect(needs("{{ renderOnce('{{ kv(1) }}') }}")).toEqual({ functions: ['kv', 'renderOnce'], isPure: false });
    expect(needs("{{ renderOnce('{{ a }}') }}")).toEqual({ functions: ['renderOnce'], isPure: true });
  });

  it.each([
    'read',
    'fileURI',
    'fileSize',
    'fileExists',
    'isFileEmpty',
    'secret',
    'kv',
    'encrypt',
    'http',
    'randomPort',
  ])('%s needs a host', (name) => {
    expect(parseTemplate(`{{ ${name}('a') }}`).isPure).toBe(false);
  });

  it('are collected from all texts of a value', () => {
    const found = referencesOf({
      a: '{{ x.y }}',
      '{{ k }}': [1, null, '{{ x.y }}', { b: "{{ secret('s') }}" }],
      c: 'plain',
    });
    expect(found).toEqual({
      references: [{ path: ['x', 'y'] }, { path: ['k'] }],
      functions: ['secret'],
      isPure: false,
    });
    expect(referencesOf(5)).toEqual({ references: [], functions: [], isPure: true });
    expect(() => referencesOf(['{{ x'])).toThrow(expect.objectContaining({ kind: 'syntax' }));
  });
});
