import { parseTemplate } from '../src/index.js';
import { failure, render } from './rendering.js';

describe('limits', () => {
  it.each([
    ['nested parentheses', `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`],
    ['nested lists', `{{ ${'['.repeat(100_000)}${']'.repeat(100_000)} }}`],
    ['nested maps', `{{ ${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)} }}`],
    ['unclosed parentheses', `{{ ${'('.repeat(100_000)}`],
    ['many signs', `{{ ${'- '.repeat(100_000)}1 }}`],
    ['many nots', `{{ ${'not '.repeat(100_000)}true }}`],
    ['many attributes', `{{ a${'.a'.repeat(100_000)} }}`],
    ['many subscripts', `{{ a${'[0]'.repeat(100_000)} }}`],
    ['nested subscripts', `{{ ${'a['.repeat(100_000)}0${']'.repeat(100_000)} }}`],
    ['many filters', `{{ a${' | upper'.repeat(100_000)} }}`],
    ['many operators', `{{ 1${' + 1'.repeat(100_000)} }}`],
    ['many coalescings', `{{ a${' ?? a'.repeat(100_000)} }}`],
    ['many conditions', `{{ ${'a ? 1 : '.repeat(100_000)}1 }}`],
    ['nested calls', `{{ ${'max('.repeat(100_000)}1${')'.repeat(100_000)} }}`],
    ['nested ifs', `${'{% if true %}'.repeat(100_000)}${'{% endif %}'.repeat(100_000)}`],
    ['nested blocks', Array.from({ length: 50_000 }, (_, index) => `{% block b${index} %}`).join('')],
    ['a huge range', '{% for i in 1..1000000000 %}x{% endfor %}'],
    ['a huge range function', '{{ range(0, 9007199254740991) }}'],
    ['nested loops', '{% for i in 1..10000 %}{% for j in 1..10000 %}{% endfor %}{% endfor %}'],
    ['doubled text', '{% set s = "abcdefgh" %}{% for i in 1..100 %}{% set s = s ~ s %}{% endfor %}{{ s }}'],
    ['doubled list', '{% set l = [1] %}{% for i in 1..100 %}{% set l = l | merge(l) %}{% endfor %}'],
    ['a list of itself twice', '{% set l = [1] %}{% for i in 1..100 %}{% set l = [l, l] %}{% endfor %}{{ l }}'],
    [
      'equal lists of themselves',
      '{% set l = [1] %}{% set m = [1] %}{% for i in 1..60 %}{% set l = [l, l] %}{% set m = [m, m] %}{% endfor %}{{ l == m }}',
    ],
    ['deep data', '{% set l = [1] %}{% for i in 1..10000 %}{% set l = [l] %}{% endfor %}{{ l }}'],
    ['deep data from JSON', "{{ fromJson('" + '['.repeat(100_000) + ']'.repeat(100_000) + "') }}"],
    ['endless macro', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    [
      'doubling macro',
      '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
    ],
    ['endless block', '{% block b %}{{ block("b") }}{% endblock %}'],
    ['growing output', '{% for i in 1..100000 %}{{ "x" | replace({"x": a}) }}{% endfor %}'],
    ['much indentation', '{{ a | indent(1000000000) }}'],
    ['a huge replacement', `{{ a | replace({"b": a}) | replace({"b": a}) | replace({"b": a}) }}`],
    ['a long date format', `{{ now('${'y'.repeat(1000)}') }}`],
  ])('%s ends with a clear error', (_name, template) => {
    const error = failure(template, { a: 'b'.repeat(1000) + '\n' });
    expect(error.kind).toMatch(/^(limit|type|syntax)$/);
    expect(error.message.length).toBeLessThan(500);
  });

  it.each([
    ['render of itself', { t: '{{ render(t) }}' }],
    ['render of itself twice', { t: '{{ render(t) }}{{ render(t) }}' }],
    ['renderOnce of itself', { t: '{{ renderOnce(t) }}' }],
    ['growing render', { t: '{{ t }}{{ t }}' }],
    ['growing raw', { t: '{% raw %}x{% endraw %}{{ t }}{{ t }}' }],
  ])('%s ends with a limit', (_name, values) => {
    expect(failure('{{ render(t) }}', values).kind).toBe('limit');
  });

  it('are those of the environment', () => {
    expect(failure('{% for i in 1..100 %}x{% endfor %}', {}, { limits: { steps: 50 } }).kind).toBe('limit');
    expect(failure('{{ 1..11 }}', {}, { limits: { rangeSize: 10 } }).kind).toBe('limit');
    expect(failure('{{ "a" ~ "bcd" }}', {}, { limits: { outputBytes: 3 } }).kind).toBe('limit');
    expect(failure('ab{{ "cd" }}', {}, { limits: { outputBytes: 3 } }).kind).toBe('limit');
    expect(failure('{{ [[[1]]] }}', {}, { limits: { depth: 2 } }).kind).toBe('limit');
    expect(failure('{{ 1 }}          ', {}, { limits: { templateBytes: 10 } }).kind).toBe('limit');
    const host = { call: () => 1 };
    expect(failure('{% for i in 1..9 %}{{ kv(1) }}{% endfor %}', {}, { host, limits: { hostCalls: 8 } }).kind).toBe(
      'limit',
    );
    expect(render('{{ 1..10 }}', {}, { limits: { rangeSize: 10 } })).toBe('[1,2,3,4,5,6,7,8,9,10]');
  });

  it('refuse a template that is too long to parse', () => {
    expect(() => parseTemplate(`{{ a }}${' '.repeat(5 * 1024 * 1024)}`)).toThrow(
      expect.objectContaining({ kind: 'limit' }),
    );
  });

  it('leave room for honest work', () => {
    const list = Array.from({ length: 10_000 }, (_, index) => ({ id: index, name: `name ${index}` }));
    const text = render('{% for e in list %}{{ e.id }}:{{ e.name | upper }}\n{% endfor %}', { list });
    expect(text.split('\n')).toHaveLength(10_001);
    expect(render('{{ list | toJson | length }}', { list })).toBe(String(JSON.stringify(list).length));
    expect(render(`{{ ${Array.from({ length: 200 }, () => '"a"').join(' ~ ')} }}`)).toBe('a'.repeat(200));
    expect(render(`{{ ${'('.repeat(100)}1${')'.repeat(100)} }}`)).toBe('1');
  });

  it('match hostile regular expressions in linear time', () => {
    const text = 'a'.repeat(50_000) + 'b';
    expect(render("{{ t | replace({'(a+)+$': 'x'}, regexp=true) | length }}", { t: text })).toBe('50001');
    expect(render("{{ t | split('(a*)*c') | length }}", { t: text })).toBe('1');
  });
});
