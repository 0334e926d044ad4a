import { failure, typed } from './rendering.js';

/** program, input, results: mostly the examples of the manual of jq 1.6. */
const CASES: readonly (readonly [string, unknown, readonly unknown[]])[] = [
  ['.', 'Hello', ['Hello']],
  ['', [1], [[1]]],
  ['.foo', { foo: 42, bar: 'x' }, [42]],
  ['.foo', { bar: 1 }, [null]],
  ['.foo.bar?', 1, []],
  ['."foo$"', { foo$: 1 }, [1]],
  ['.["foo"]', { foo: 42 }, [42]],
  ['.foo["bar"].baz', { foo: { bar: { baz: 1 } } }, [1]],
  ['[.foo?]', [1, 2], [[]]],
  ['.[0], .[-2]', [1, 2, 3], [1, 2]],
  ['.[2:4]', ['a', 'b', 'c', 'd', 'e'], [['c', 'd']]],
  ['.[2:4]', 'abcdefghi', ['cd']],
  [
    '.[:3], .[-2:]',
    ['a', 'b', 'c', 'd', 'e'],
    [
      ['a', 'b', 'c'],
      ['d', 'e'],
    ],
  ],
  ['.[]', [{ name: 'JSON' }, 2], [{ name: 'JSON' }, 2]],
  ['.[]', { a: 1, b: 1 }, [1, 1]],
  ['.foo, .bar', { foo: 42, bar: 'x' }, [42, 'x']],
  ['.[4,2]', ['a', 'b', 'c', 'd', 'e'], ['e', 'c']],
  ['.[] | .name', [{ name: 'a' }, { name: 'b' }], ['a', 'b']],
  ['(. + 2) * 5', 1, [15]],
  ['[.user, .projects[]]', { user: 'stedolan', projects: ['jq', 'wikiflow'] }, [['stedolan', 'jq', 'wikiflow']]],
  ['[.[] | . * 2]', [1, 2, 3], [[2, 4, 6]]],
  [
    '{user, title: .titles[]}',
    { user: 's', titles: ['a', 'b'] },
    [
      { user: 's', title: 'a' },
      { user: 's', title: 'b' },
    ],
  ],
  ['{(.user): .titles}', { user: 's', titles: [1] }, [{ s: [1] }]],
  ['{"a b": 1, "x\\(1 + 1)": 2, @base64 "k": 3}', null, [{ 'a b': 1, x2: 2, k: 3 }]],
  ['{a: 1 | 2, b: .c // 3}', {}, [{ a: 2, b: 3 }]],
  ['. as $x | {$x, $__loc__}', 1, [{ x: 1, __loc__: { file: '<top-level>', line: 1 } }]],
  ['.. | .a?', [[{ a: 1 }]], [1]],
  ['.a + 1', { a: 7 }, [8]],
  ['.a + .b', { a: [1, 2], b: [3, 4] }, [[1, 2, 3, 4]]],
  ['.a + null', { a: 1 }, [1]],
  ['{a: 1} + {b: 2} + {c: 3} + {a: 42}', null, [{ a: 42, b: 2, c: 3 }]],
  ['4 - .a', { a: 3 }, [1]],
  ['. - ["xml", "yaml"]', ['xml', 'yaml', 'json'], [['json']]],
  ['10 / . * 3', 5, [6]],
  ['. / ", "', 'a, b,c,d, e', [['a', 'b,c,d', 'e']]],
  ['{k: {a: 1, b: 2}} * {k: {a: 0, c: 3}}', null, [{ k: { a: 0, b: 2, c: 3 } }]],
  ['"x" * 3, "x" * 0', null, ['xxx', null]],
  ['5 % 3, -5 % 3, 5 % -2', null, [2, -2, 1]],
  ['.[] | (1 / .)?', [1, 0, -1], [1, -1]],
  ['[(1,2) + (10,20)]', null, [[11, 12, 21, 22]]],
  ['-(.[0]), -1', [2], [-2, -1]],
  ['.[] | length', [[1, 2], 'string', { a: 2 }, null, -5], [2, 6, 1, 0, 5]],
  ['utf8bytelength', '\u03bc', [2]],
  ['keys', { abc: 1, abcd: 2, Foo: 3 }, [['Foo', 'abc', 'abcd']]],
  ['keys', [42, 3, 35], [[0, 1, 2]]],
  ['map(has("foo"))', [{ foo: 42 }, {}], [[true, false]]],
  [
    'map(has(2))',
    [
      [0, 1],
      ['a', 'b', 'c'],
    ],
    [[false, true]],
  ],
  ['.[] | in({"foo": 42})', ['foo', 'bar'], [true, false]],
  ['map_values(. + 1)', { a: 1, b: 2 }, [{ a: 2, b: 3 }]],
  ['map_values(empty)', { a: 1 }, [{}]],
  ['path(.a[0].b)', null, [['a', 0, 'b']]],
  ['[path(..)]', { a: [{ b: 1 }] }, [[[], ['a'], ['a', 0], ['a', 0, 'b']]]],
  ['del(.foo)', { foo: 42, bar: 9001 }, [{ bar: 9001 }]],
  ['del(.[1, 2])', ['foo', 'bar', 'baz'], [['foo']]],
  ['del(.[] | select(. >= 2))', [1, 5, 3, 0, 7], [[1, 0]]],
  ['del(.[1:])', [1, 2, 3], [[1]]],
  ['getpath(["a","b"])', null, [null]],
  ['[getpath(["a","b"], ["a","c"])]', { a: { b: 0, c: 1 } }, [[0, 1]]],
  ['setpath(["a","b"]; 1)', null, [{ a: { b: 1 } }]],
  ['setpath([0,"a"]; 1)', null, [[{ a: 1 }]]],
  ['delpaths([["a","b"]])', { a: { b: 1 }, x: { y: 2 } }, [{ a: {}, x: { y: 2 } }]],
  [
    'to_entries',
    { a: 1, b: 2 },
    [
      [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
    ],
  ],
  [
    'from_entries',
    [
      { key: 'a', value: 1 },
      { k: 'b', v: false },
      { name: 'c', value: 3 },
    ],
    [{ a: 1, b: false, c: 3 }],
  ],
  ['with_entries(.key |= "KEY_" + .)', { a: 1, b: 2 }, [{ KEY_a: 1, KEY_b: 2 }]],
  ['map(select(. >= 2))', [1, 5, 3, 0, 7], [[5, 3, 7]]],
  ['.[] | select(.id == "second")', [{ id: 'first' }, { id: 'second', val: 2 }], [{ id: 'second', val: 2 }]],
  ['.[] | numbers, strings', [1, 'a', null], [1, 'a']],
  ['1, empty, 2', null, [1, 2]],
  ['try error("\\($__loc__)") catch .', null, ['{"file":"<top-level>","line":1}']],
  ['try error({a: 1}) catch .a', null, [1]],
  ['[paths]', [1, [[], { a: 2 }]], [[[0], [1], [1, 0], [1, 1], [1, 1, 'a']]]],
  ['[paths(type == "number")]', [1, [[], { a: 2 }]], [[[0], [1, 1, 'a']]]],
  ['[leaf_paths]', { a: { b: 1 } }, [[['a', 'b']]]],
  ['add', ['a', 'b', 'c'], ['abc']],
  ['add', [], [null]],
  ['any, all', [true, false], [true, false]],
  ['any, all', [], [false, true]],
  ['any(. > 1), all(. > 1)', [1, 2], [true, false]],
  ['any(range(1e9); . == 3)', null, [true]],
  ['flatten', [1, [2], [[3]]], [[1, 2, 3]]],
  ['flatten(1)', [1, [2], [[3]]], [[1, 2, [3]]]],
  [
    '[range(2; 4)], [range(4)], [range(0; 10; 3)], [range(0; -5; -3)]',
    null,
    [
      [2, 3],
      [0, 1, 2, 3],
      [0, 3, 6, 9],
      [0, -3],
    ],
  ],
  ['floor, sqrt, pow(.; 2), ceil, round', 2.25, [2, 1.5, 5.0625, 3, 2]],
  ['.[] | tostring', [1, '1', [1]], ['1', '1', '[1]']],
  ['.[] | tonumber', [1, '1', ' 1.5 '], [1, 1, 1.5]],
  ['map(type)', [0, false, [], {}, null, 'hello'], [['number', 'boolean', 'array', 'object', 'null', 'string']]],
  ['.[] | (infinite * .) < 0', [-1, 1], [true, false]],
  ['sort', [8, 3, null, 6, true, 'a', [1], { a: 1 }], [[null, true, 3, 6, 8, 'a', [1], { a: 1 }]]],
  ['sort_by(.foo)', [{ foo: 4 }, { foo: 3 }, { foo: 2 }], [[{ foo: 2 }, { foo: 3 }, { foo: 4 }]]],
  [
    'sort_by(.a, .b)',
    [
      { a: 1, b: 2 },
      { a: 1, b: 1 },
      { a: 0, b: 3 },
    ],
    [
      [
        { a: 0, b: 3 },
        { a: 1, b: 1 },
        { a: 1, b: 2 },
      ],
    ],
  ],
  [
    'group_by(.foo)',
    [
      { foo: 1, bar: 10 },
      { foo: 3, bar: 100 },
      { foo: 1, bar: 1 },
    ],
    [
      [
        [
          { foo: 1, bar: 10 },
          { foo: 1, bar: 1 },
        ],
        [{ foo: 3, bar: 100 }],
      ],
    ],
  ],
  ['min, max', [5, 4, 2, 7], [2, 7]],
  ['min, max', [], [null, null]],
  [
    'max_by(.foo), min_by(.foo)',
    [
      { foo: 1, bar: 14 },
      { foo: 2, bar: 3 },
    ],
    [
      { foo: 2, bar: 3 },
      { foo: 1, bar: 14 },
    ],
  ],
  ['unique', [1, 2, 5, 3, 5, 3, 1, 3], [[1, 2, 3, 5]]],
  ['unique_by(length)', ['chunky', 'bacon', 'kitten', 'cicada', 'asparagus'], [['bacon', 'chunky', 'asparagus']]],
  ['reverse', [1, 2, 3], [[3, 2, 1]]],
  ['contains("bar")', 'foobar', [true]],
  ['contains(["baz", "bar"])', ['foobar', 'foobaz', 'blarp'], [true]],
  ['contains({foo: 12, bar: [{barp: 12}]})', { foo: 12, bar: [1, 2, { barp: 12, blip: 13 }] }, [true]],
  ['inside("foobar")', 'bar', [true]],
  ['indices(", "), index(","), rindex(",")', 'a,b, cd, efg', [[3, 7], 1, 7]],
  [
    'indices(1), indices([1,2])',
    [0, 1, 2, 1, 3, 1, 2],
    [
      [1, 3, 5],
      [1, 5],
    ],
  ],
  ['startswith("foo"), endswith("foo")', 'foobar', [true, false]],
  [
    '[combinations]',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [
        [1, 3],
        [1, 4],
        [2, 3],
        [2, 4],
      ],
    ],
  ],
  [
    '[combinations(2)]',
    [0, 1],
    [
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
    ],
  ],
  ['[.[] | ltrimstr("foo"), rtrimstr("bar")]', ['foobar', 'x'], [['bar', 'foo', 'x', 'x']]],
  ['explode, (explode | implode)', 'foo', [[102, 111, 111], 'foo']],
  ['split(", ")', 'a, b,c,d, e', [['a', 'b,c,d', 'e']]],
  ['split(", *"; null)', 'ab,cd, ef', [['ab', 'cd', 'ef']]],
  ['join(", ")', ['a', 1, null, true], ['a, 1, , true']],
  ['ascii_downcase, ascii_upcase', 'aBcÉ', ['abcÉ', 'ABCÉ']],
  ['[while(. < 100; . * 2)]', 1, [[1, 2, 4, 8, 16, 32, 64]]],
  ['[limit(5; repeat(. * 2))]', 1, [[1, 2, 4, 8, 16]]],
  ['[.,1] | until(.[0] < 1; [.[0] - 1, .[1] * .[0]]) | .[1]', 4, [24]],
  [
    'recurse(.foo[]) | .n',
    {
      n: 1,
      foo: [
        { n: 2, foo: [] },
        { n: 3, foo: [{ n: 4, foo: [] }] },
      ],
    },
    [1, 2, 3, 4],
  ],
  ['[recurse(if . < 3000 then . + 1 else empty end)] | length', 0, [3001]],
  ['recurse(. * .; . < 20)', 2, [2, 4, 16]],
  [
    'transpose',
    [[1], [2, 3]],
    [
      [
        [1, 2],
        [null, 3],
      ],
    ],
  ],
  ['"\\(.) and \\(. + 1)"', 42, ['42 and 43']],
  ['tojson, ([1] | tojson | fromjson)', { a: [1, 'x'] }, ['{"a":[1,"x"]}', [1]]],
  ['@html, @uri "u=\\(.)", @base64', '<a b>&', ['&lt;a b&gt;&amp;', 'u=%3Ca%20b%3E%26', 'PGEgYj4m']],
  ['@csv, @tsv, @json', [1, 'a"b', null, true], ['1,"a""b",,true', '1\ta"b\t\ttrue', '[1,"a\\"b",null,true]']],
  ['@sh "echo \\(.)"', "O'Hara's", ["echo 'O'\\''Hara'\\''s'"]],
  ['@base64d', 'VGhpcw==', ['This']],
  ['fromdate, (fromdate | todate)', '2015-03-05T23:51:47Z', [1425599507, '2015-03-05T23:51:47Z']],
  ['strptime("%Y-%m-%dT%H:%M:%SZ")', '2015-03-05T23:51:47Z', [[2015, 2, 5, 23, 51, 47, 4, 63]]],
  ['strptime("%Y-%m-%d") | mktime', '2015-03-05', [1425513600]],
  ['strftime("%A, %B %d, %Y")', 1425599507, ['Thursday, March 05, 2015']],
  ['now | floor', null, [1795344067]],
  ['.[] == 1', [1, '1', 1], [true, false, true]],
  ['if . == 0 then "zero" elif . == 1 then "one" else "many" end', 2, ['many']],
  ['if . then 1 end', false, [false]],
  ['42 and "a string", (true, false) and (true, false)', null, [true, true, false, false]],
  ['(true, false) or false, [true, false | not]', null, [true, false, [false, true]]],
  ['.foo // 42, (false, null, 1) // 2, empty // 3', {}, [42, 1, 3]],
  ['.a?//"x"', {}, ['x']],
  ['try .a catch . ', 1, ['Cannot index number with "a"']],
  ['[.[] | try if . == 0 then error("zero") else . end catch .]', [1, 0], [[1, 'zero']]],
  ['test("FOO"; "i"), test("foo"), test(["FOO", "ix"])', 'foo', [true, true, true]],
  ['[match("(abc)+"; "g") | .offset]', 'abc abc', [[0, 4]]],
  ['match("foo (?<bar123>bar)? foo").captures[0] | .name, .string', 'foo bar foo', ['bar123', 'bar']],
  ['capture("(?<a>[a-z]+)-(?<n>[0-9]+)")', 'xyzzy-14', [{ a: 'xyzzy', n: '14' }]],
  [
    '[scan("c")], [scan("(a)(b)")]',
    'abcdefabc',
    [
      ['c', 'c'],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    ],
  ],
  ['[splits(", *")]', 'ab,cd,   ef', [['ab', 'cd', 'ef']]],
  ['sub("(?<x>[a-z])"; "Z\\(.x)"), gsub("[a-z]"; "-")', '12ab', ['12Zab', '12--']],
  ['[gsub("a"; "x", "y")]', 'ba', [['bx', 'by']]],
  ['.bar as $x | .foo | . + $x', { foo: 10, bar: 200 }, [210]],
  ['. as [$a, $b, {c: $c}] | $a + $b + $c', [2, 3, { c: 4 }], [9]],
  ['.[] as [$a] ?// $a | [$a]', [[1], 2], [[1], [2]]],
  ['. as {a: $x, b: [$y]} | [$x, $y]', { a: 1, b: [2] }, [[1, 2]]],
  ['. as {$a, b: {$c}} | [$a, $c]', { a: 1, b: { c: 3 } }, [[1, 3]]],
  [
    'def addvalue(f): . + [f]; map(addvalue(.[0]))',
    [
      [1, 2],
      [10, 20],
    ],
    [
      [
        [1, 2, 1],
        [10, 20, 10],
      ],
    ],
  ],
  [
    'def addvalue($f): f as $x | map(. + $x) ; addvalue(.[0])',
    [
      [1, 2],
      [10, 20],
    ],
    [
      [
        [1, 2, 1, 2],
        [10, 20, 1, 2],
      ],
    ],
  ],
  ['def fac: if . == 1 then 1 else . * (. - 1 | fac) end; fac', 10, [3628800]],
  ['[.[] | [first(range(.)), last(range(.)), nth(2; range(.))]]', [10], [[[0, 9, 2]]]],
  ['first, last, nth(1)', [1, 2, 3], [1, 3, 2]],
  ['reduce .[] as $item (0; . + $item)', [10, 2, 5, 3], [20]],
  [
    'reduce .[] as [$i, $j] (0; . + $i * $j)',
    [
      [1, 2],
      [3, 4],
    ],
    [14],
  ],
  [
    '[foreach .[] as $item (0; . + $item; [$item, . * 2])]',
    [1, 2],
    [
      [
        [1, 2],
        [2, 6],
      ],
    ],
  ],
  ['[foreach range(5) as $x (0; . + $x)]', null, [[0, 1, 3, 6, 10]]],
  ['[label $out | .[] | if . == 3 then break $out else . end]', [1, 2, 3, 4], [[1, 2]]],
  ['[limit(3; .[])], [limit(0; 1, 2)]', [0, 1, 2, 3], [[0, 1, 2], []]],
  ['isempty(empty), isempty(1, error("x"))', null, [true, false]],
  ['(.. | select(type == "boolean")) |= not', [true, [false]], [[false, [true]]]],
  ['.foo = .bar', { bar: 42 }, [{ bar: 42, foo: 42 }]],
  [
    '.foo |= . + 1, .foo += 1, .foo -= 1, .foo *= 2, .foo /= 2, .foo %= 2',
    { foo: 4 },
    [{ foo: 5 }, { foo: 5 }, { foo: 3 }, { foo: 8 }, { foo: 2 }, { foo: 0 }],
  ],
  [
    '.a //= 1, .b //= 1',
    { a: null, b: 2 },
    [
      { a: 1, b: 2 },
      { a: null, b: 2 },
    ],
  ],
  ['.[0].a |= "x" | .[1:] = []', [{ a: 1 }, 2, 3], [[{ a: 'x' }]]],
  [
    '(.a, .b) = (1, 2)',
    {},
    [
      { a: 1, b: 1 },
      { a: 2, b: 2 },
    ],
  ],
  ['walk(if type == "array" then sort else . end)', [[4, 1], { a: [2, 1] }], [[[1, 4], { a: [1, 2] }]]],
  ['[tostream]', { a: [1] }, [[[['a', 0], 1], [['a', 0]], [['a']]]]],
  ['fromstream(tostream)', { a: [1, { b: 2 }] }, [{ a: [1, { b: 2 }] }]],
  ['INDEX(.id) | keys', [{ id: 1 }, { id: 'b' }], [['1', 'b']]],
  ['.[] | IN(2, 3)', [1, 2], [false, true]],
  ['pick(.a.b)', { a: { b: 1, c: 2 }, d: 3 }, [{ a: { b: 1 } }]],
  ['$ENV, env', null, [{}, {}]],
  ['[.[] | abs], ([1] | toarray), (1 | toarray)', [-1, 2], [[1, 2], [1], [1]]],
  ['# a comment\n.a # another\n', { a: 1 }, [1]],
];

describe('jq', () => {
  it.each(CASES)('%s of %j gives %j', (program, input, results) => {
    expect(
      typed('{{ input | jq(program) }}', {
        input: typeof input === 'string' ? JSON.stringify(input) : (input ?? 'null'),
        program,
      }),
    ).toEqual(results);
  });

  it.each([
    ["{{ {'a': [1, 2]} | jq('.a[]') }}", [1, 2]],
    ["{{ {'a': 5} | jq('.a') | first + 1 }}", 6],
    ['{{ \'{"a": {"b": 1}}\' | jq(".a.b") }}', [1]],
    ["{{ {'a': 1} | jq(expression='.b') }}", [null]],
    ['{{ null | jq(".a") }}', null],
    ["{{ [3, 1] | jq('sort | .[0]') | first }}", 1],
  ])('%s gives %j', (template, expected) => {
    expect(typed(template)).toEqual(expected);
  });

  it.each([
    ['1 | jq()', "needs the argument 'expression'"],
    ['| jq', 'a value is expected here'],
    ['{"a": 1} | jq(".a |")', 'the program ends at character 5; a filter is missing'],
    ['{"a": 1} | jq(".a b")', "'b' is not expected at character 4"],
    ['{"a": 1} | jq(".a.b")', 'jq: Cannot index number with "b"'],
    ['1 | jq("nothing")', 'nothing/0 is not defined'],
    ['1 | jq("$x")', '$x is not defined'],
    ['1 | jq(\'error("broken")\')', 'jq: broken'],
    ["1 | jq('\"abc')", 'does not end'],
    ['1 | jq("break $x")', '$*label-x is not defined'],
    ['"not json" | jq(".")', 'jq works on JSON'],
    ['1 | jq(\'import "a" as a; .\')', "'import' is not available"],
    ['1 | jq(". ^ 2")', "'^' at character 3 is not understood"],
    ['[1] | jq("path(1)")', 'Invalid path expression'],
    ["1 | jq('@nothing')", '@nothing is not a format'],
    ['\'"a"\' | jq(\'test("(")\')', 'is not a regular expression'],
  ])('%s fails: %s', (expression, message) => {
    const error = failure(`{{ ${expression} }}`);
    expect(error.message).toContain(message);
    expect(error.kind).not.toBe('limit');
  });

  it.each([
    'def f: f; f',
    'def f: 1 + f; f',
    '[range(1e12)]',
    'last(repeat(1))',
    '[limit(1e9; repeat(1))]',
    'until(false; .)',
    'reduce range(1e9) as $x (""; . + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")',
    'reduce range(1e9) as $x (null; [.])',
    '"x" * 1e12',
    '[splits("x")] | combinations(1e9)',
    '.[1e9] = 1',
    '('.repeat(1000),
    '[range(1e6)] | . as $a | reduce range(1e6) as $i ($a; .[$i] = 0)',
  ])('%s ends at a limit', (program) => {
    const error = failure('{{ "null" | jq(program) }}', { program }, { limits: { steps: 200_000 } });
    expect(['limit', 'function']).toContain(error.kind);
  });

  it('keeps to itself: no prototype, no process', () => {
    const read = (program: string): unknown => typed('{{ input | jq(program) }}', { input: { a: 1 }, program });
    expect(read('.constructor, .__proto__, ."toString"')).toEqual([null, null, null]);
    expect(read('{"__proto__": {"polluted": 1}} | keys')).toEqual([['__proto__']]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(read('$ENV | length')).toEqual([0]);
    expect(failure("{{ 1 | jq('constructor') }}").message).toContain('constructor/0 is not defined');
  });
});
