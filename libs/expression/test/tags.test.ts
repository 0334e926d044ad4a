import { failure, render } from './rendering.js';

const values = { list: ['a', 'b', 'c'], map: { x: 1, y: 2 }, yes: true, nothing: null, text: 'hello', zero: 0 };

describe('tags', () => {
  it.each([
    // text
    ['', ''],
    ['plain', 'plain'],
    ['{ "a": 1 }', '{ "a": 1 }'],
    ['{{{"a": 1}}}', '{"a":1}'],
    ['{{ {"a": {"b": 1}}}}', '{"a":{"b":1}}'],
    ['a {{ text }} b {{ text }}', 'a hello b hello'],
    ['${HOME} {{text}}', '${HOME} hello'],
    ['{{ nothing }}', ''],
    ['line\n{{ text }}\nline\n', 'line\nhello\nline\n'],
    // comments
    ['a{# comment {{ not.read }} #}b', 'ab'],
    ['{# only #}', ''],
    ['a {#- c -#} b', 'ab'],
    // white space
    ['a  {{- text -}}  b', 'ahellob'],
    ['a {{- text }} b', 'ahello b'],
    ['a {{ text -}} b', 'a hellob'],
    ['a {%- if yes -%} b {%- endif -%} c', 'abc'],
    ['a\n{% if yes %}\nb\n{% endif %}\nc', 'a\n\nb\n\nc'],
    ['x {{-1}}', 'x1'],
    ['{{ -1 }}', '-1'],
    // if
    ['{% if yes %}a{% endif %}', 'a'],
    ['{% if not yes %}a{% endif %}', ''],
    ['{% if zero %}a{% elseif text == "hello" %}b{% else %}c{% endif %}', 'b'],
    ['{% if zero %}a{% elseif nothing %}b{% else %}c{% endif %}', 'c'],
    ['{% if "false" %}a{% else %}b{% endif %}', 'b'],
    ['{% if [] %}a{% else %}b{% endif %}', 'b'],
    ['{% if list %}a{% else %}b{% endif %}', 'a'],
    ['{% if yes %}{% if zero %}a{% else %}b{% endif %}{% endif %}', 'b'],
    // for
    ['{% for x in list %}{{ x }}{% endfor %}', 'abc'],
    [
      '{% for x in list %}{{ loop.index }}{{ loop.first }}{{ loop.last }}|{% endfor %}',
      '0truefalse|1falsefalse|2falsetrue|',
    ],
    ['{% for x in list %}{{ loop.length }}{{ loop.revindex }}|{% endfor %}', '32|31|30|'],
    ['{% for e in map %}{{ e.key }}={{ e.value }};{% endfor %}', 'x=1;y=2;'],
    ['{% for i in 1..3 %}{{ i }}{% endfor %}', '123'],
    ['{% for x in [] %}a{% else %}none{% endfor %}', 'none'],
    ['{% for x in nothing %}a{% else %}none{% endfor %}', 'none'],
    [
      '{% for x in list %}{% for y in [1,2] %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}',
      'a10 a21 0;b10 b21 1;c10 c21 2;',
    ],
    ['{% for x in list %}{% if not loop.last %}{{ x }},{% else %}{{ x }}{% endif %}{% endfor %}', 'a,b,c'],
    // set
    ['{% set a = 1 %}{{ a }}', '1'],
    ['{% set text = "mine" %}{{ text }}', 'mine'],
    ['{% set n = 0 %}{% for x in list %}{% set n = n + 1 %}{% endfor %}{{ n }}', '3'],
    ['{% for x in list %}{% set inner = x %}{{ inner }}{% endfor %}{{ inner ?? "gone" }}', 'abcgone'],
    ['{% set set = "s" %}{% set block = "b" %}{{ set ~ block }}', 'sb'],
    ['{% if yes %}{% set a = 1 %}{% endif %}{{ a }}', '1'],
    ['{% set a = {"b": [1, 2]} %}{{ a.b[1] }}', '2'],
    // block, filter, macro
    ['{% block post %} content {% endblock %}', ' content '],
    ['{% block "post" %}c{% endblock %}{{ block("post") }}{{ block("post") }}', 'ccc'],
    ['{% block post %}c{% endblock post %}', 'c'],
    ['{{ block("late") }}{% block late %}x{% endblock %}', 'xx'],
    ['{% filter upper %}a{{ text }}{% endfilter %}', 'AHELLO'],
    ['{% filter lower | title %}HELLO WORLD{% endfilter %}', 'Hello World'],
    ['{% filter replace({"a": "b"}) | upper %}aa{% endfilter %}', 'BB'],
    ['{% macro hi(name) %}Hi {{ name }}!{% endmacro %}{{ hi("Bob") }}', 'Hi Bob!'],
    ['{{ hi("Bob") }}{% macro hi(name) %}Hi {{ name }}!{% endmacro %}', 'Hi Bob!'],
    [
      '{% macro hi(name, greeting="Hi") %}{{ greeting }} {{ name }}{% endmacro %}{{ hi("A") }},{{ hi(greeting="Yo", name="B") }}',
      'Hi A,Yo B',
    ],
    ['{% macro m(a) %}{{ a ?? "none" }}{% endmacro %}{{ m() }}', 'none'],
    ['{% macro m() %}{{ text }}{% endmacro %}{{ m() | upper }}', 'HELLO'],
    ['{% macro count(n) %}{{ n }}{% if n > 0 %}{{ count(n - 1) }}{% endif %}{% endmacro %}{{ count(3) }}', '3210'],
    ['{% set a = 1 %}{% macro m() %}{{ a ?? "unseen" }}{% endmacro %}{{ m() }}', 'unseen'],
    // raw
    ['{% raw %}{{ x }}{% if %}{# #}{% endraw %}', '{{ x }}{% if %}{# #}'],
    ['{%raw%}{{ x }}{%endraw%}', '{{ x }}'],
    ['{% verbatim %}{{ x }}{% endraw %}{% endverbatim %}', '{{ x }}{% endraw %}'],
    ['a {%- raw -%} x {%- endraw -%} b', 'axb'],
    ['{% raw %}{{ a }}{% endraw %}{{ text }}{% raw %}{{ b }}{% endraw %}', '{{ a }}hello{{ b }}'],
  ])('%s renders %j', (template, expected) => {
    expect(render(template, values)).toBe(expected);
  });

  it.each([
    ['{{ text', "this '{{' does not end", 1, 1],
    ['ab {{ }}', "'{{ }}' is empty", 1, 7],
    ['{% if yes %}a', 'this {% if %} does not end', 1, 4],
    ['{% for x in list %}', 'this {% for %} does not end', 1, 4],
    ['\n\n  {# never', 'this comment does not end', 3, 3],
    ['{% raw %}a', 'this {% raw %} does not end', 1, 1],
    ['{% endif %}', '{% endif %} closes nothing', 1, 4],
    ['{% fro x in y %}', "unknown tag 'fro'; did you mean 'for'?", 1, 4],
    ['{% include "x" %}', "the tag 'include' is not available", 1, 4],
    ['{% for a, b in map %}{% endfor %}', 'a loop has one variable', 1, 9],
    ['{% for a of map %}{% endfor %}', "'in' is expected", 1, 10],
    ['{% set a %}', "'=' is expected", 1, 10],
    ['{% set 1 = 2 %}', 'the name of the variable to set is expected', 1, 8],
    ['{% if yes %}{% else %}{% elseif no %}{% endif %}', '{% elseif %} closes nothing', 1, 26],
    ['{% block a %}{% endblock %}{% block a %}{% endblock %}', "the block 'a' is defined twice", 1, 31],
    ['{% macro a() %}{% endmacro %}{% macro a() %}{% endmacro %}', "the macro 'a' is defined twice", 1, 33],
    ['{{ a b }}', "but found 'b'", 1, 6],
    ['{{ a = 1 }}', "to compare write '=='", 1, 6],
    ['{{ (1 }}', "a '(' needs its ')'", 1, 7],
    ['{{ [1, }}', 'a value is expected', 1, 8],
    ['{{ [1 2] }}', "separated by ','", 1, 7],
    ['{{ {"a" 1} }}', "with ':'", 1, 9],
    ['{{ {not: json} }}', 'a value is expected', 1, 8],
    ['{{ a ? 1 }}', "needs its ':' part", 1, 10],
    ['{{ a[1 }}', "needs its ']'", 1, 8],
    ['{{ a. }}', "after '.'", 1, 7],
    ['{{ | upper }}', 'a value is expected here', 1, 4],
    ['{{ a | }}', 'the name of a filter is expected', 1, 8],
    ['{{ a is }}', 'the name of a test', 1, 9],
    ["{{ 'abc }}", "this text does not end; close it with '", 1, 4],
    ['{{ a & b }}', "unexpected character '&'", 1, 6],
    ['{{ 1abc }}', "cannot be followed by 'abc'", 1, 5],
    ['{{ f(a=1, 2) }}', 'must come before the named ones', 1, 11],
    ['{{ f(a=1, a=2) }}', "the argument 'a' is given twice", 1, 11],
    ['{{ text.toUpperCase() }}', 'values have no methods', 1, 8],
    ['{{ 1 in list }}', "write 'value isIn list'", 1, 6],
    ['first\n  {{ ok }}\n  {{ 1 + }}', 'a value is expected', 3, 10],
  ])('%j is refused: %s', (template, reason, line, column) => {
    const error = failure(template, { ...values, ok: 1 });
    expect(error.reason).toContain(reason);
    expect([error.kind, error.line, error.column]).toEqual(['syntax', line, column]);
  });
});
