import { ERROR_LOGS_VARIABLE, ExpressionError, referencesOf, type HostFunctions } from '../src/index.js';
import { failure, render, typed } from './rendering.js';

const values = {
  text: 'hello',
  nothing: null,
  first: '1',
  second: '{{ first }}',
  third: '{{ second }}',
  map: { third: '{{ third }}', n: 1 },
  list: ['{{ third }}', ['{{ first }}']],
  selfish: '{{ selfish }}x',
  greeting: 'Hi {{ name }}',
  raw: '{% raw %}{{ first }}{% endraw %} {{ second }}',
  tasks: { a: { state: 'SUCCESS' }, b: { v1: { state: 'FAILED' }, v2: { state: 'SUCCESS' } }, c: { state: 'FAILED' } },
};

describe('functions', () => {
  it.each([
    ['max(1, 3, 2)', '3'],
    ['min(4, 2.5)', '2.5'],
    ["max('a', 'b')", 'b'],
    ['max(null, 1)', '1'],
    ['max()', ''],
    ['range(1, 3)', '[1,2,3]'],
    ['range(1, 10, 4)', '[1,5,9]'],
    ['range(3, 1, -1)', '[3,2,1]'],
    ["range('a', 'e', 2)", '["a","c","e"]'],
    ['fromJson(\'{"a": [{"b": 666}]}\').a[0].b', '666'],
    ["json('[1, 2]')[1]", '2'],
    ['fromJson(nothing)', ''],
    ['render(third)', '1'],
    ['render(third, recursive=false)', '{{ first }}'],
    ['render(third, false)', '{{ first }}'],
    ['renderOnce(third)', '{{ first }}'],
    ['render(map)', '{"third":"1","n":1}'],
    ['render(map, recursive=false)', '{"third":"{{ second }}","n":1}'],
    ['render(list)', '["1",["1"]]'],
    ['render(nothing)', ''],
    ['render(5)', '5'],
    ['render(raw)', '{{ first }} 1'],
    ['renderOnce(raw)', '{{ first }} {{ first }}'],
    ["render('{{ text | upper }}')", 'HELLO'],
    ["render({'{{ first }}': 1, '1': 2})", '{"1":2}'],
    ["render({'{{ text }}': 1, 'hello': 2})", '{"hello":1}'],
    ['fetchContext().first', '1'],
    ["tasksWithState('failed')", '[{"taskId":"b","state":"FAILED","value":"v1"},{"taskId":"c","state":"FAILED"}]'],
    ["tasksWithState('failed')[0].taskId", 'b'],
    ["tasksWithState('KILLED')", '[]'],
    ['nanoId()', '_4ahnuAGNT_4ahnuAGNT_'],
    ["nanoId(3, 'ab')", 'aaa'],
    ["nanoId(length=2, alphabet='x')", 'xx'],
    ['randomInt(5, 15)', '5'],
  ])('%s gives %j', (expression, expected) => {
    expect(render(`{{ ${expression} }}`, values)).toBe(expected);
  });

  it('renders with names that are set in the template', () => {
    expect(render('{% set name = "Bob" %}{{ render(greeting) }}', values)).toBe('Hi Bob');
    expect(render('{% for name in ["A", "B"] %}{{ render(greeting) }};{% endfor %}', values)).toBe('Hi A;Hi B;');
    expect(render('{% macro m() %}macro{% endmacro %}{{ render(t) }}', { t: '{{ m() }}' })).toBe('macro');
    expect(render('{{ render(t) }}{{ x ?? "unset" }}', { t: '{% set x = 1 %}{{ x }}' })).toBe('1unset');
  });

  it('restores raw contents only after the outermost repetition', () => {
    const nested = { a: '{{ render(b) }}', b: '{% raw %}{{ c }}{% endraw %}', c: 'no' };
    expect(render('{{ render(a) }}', nested)).toBe('{{ c }}');
    expect(render('{% raw %}{{ c }}{% endraw %}|{{ c }}', nested, { recursive: true })).toBe('{{ c }}|no');
    expect(render('{{ third }}', values, { recursive: true })).toBe('1');
  });

  it('makes identifiers of the right form from the environment', () => {
    expect(render('{{ uuid() }}')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(render('{{ uuid() }}').replace('-', '').slice(0, 12), 16)).toBe(
      Date.UTC(2026, 10, 22, 10, 41, 7, 123),
    );
    expect(render('{{ id() }}')).toMatch(/^[0-9A-Za-z]{22}$/);
    expect(render('{{ ksuid() }}')).toMatch(/^[0-9A-Za-z]{27}$/);
    expect(render('{{ uuid() }}')).toBe(render('{{ uuid() }}'));
    expect(typed('{{ randomInt(1, 2) }}')).toBe(1);
  });

  it('gives the outputs of the current loop values', () => {
    const outputs = {
      one: { a: { x: { value: 'ax' }, y: { value: 'ay' } }, b: { x: { value: 'bx' } } },
      two: { value: 2 },
    };
    const loop = (taskrun: unknown, parents: unknown): string =>
      render('{{ currentEachOutput(outputs.one).value ?? "none" }}', { outputs, taskrun, parents });
    expect(loop({ value: 'y' }, [{ taskrun: { value: 'a' } }])).toBe('ay');
    expect(loop({ value: 'x' }, [{ outputs: {} }, { taskrun: { value: 'b' } }])).toBe('bx');
    expect(loop({ value: 'x' }, [{ taskrun: { value: 'a' } }, { taskrun: { value: 'a' } }])).toBe('ax');
    expect(loop({ value: 'z' }, [{ taskrun: { value: 'a' } }])).toBe('none');
    expect(render('{{ currentEachOutput(outputs.two).value }}', { outputs, taskrun: { id: 't' } })).toBe('2');
    expect(failure('{{ currentEachOutput(1) }}', { taskrun: { value: 'a' } }).kind).toBe('type');
  });

  it.each([
    ['render(selfish)', 'limit', 'still changes after rendering it 100 times'],
    ["fromJson('{not: json}')", 'type', 'the text is not JSON'],
    ['fromJson(map)', 'type', 'fromJson needs text, but got a map'],
    ['fromJson()', 'function', "the function 'fromJson' needs the argument 'json'"],
    ['nwo()', 'function', "unknown function 'nwo'; did you mean 'now'?"],
    ['block("x")', 'function', "there is no block 'x'"],
    ["randomInt('1', '10')", 'type', 'needs two integers'],
    ['randomInt(10, 1)', 'type', "needs 'upper' above 'lower'"],
    ['nanoId(1001)', 'type', 'from 1 to 1000'],
    ["nanoId(3, '')", 'type', 'at least one character'],
    ["max(1, 'a')", 'type', "'max' cannot compare"],
    ["secret('A')", 'function', "the function 'secret' needs a worker"],
    ["read('a.txt')", 'function', "the function 'read' needs a worker"],
    ["http('http://x')", 'function', 'needs a worker'],
    ["decrypt('toto')", 'function', "needs the argument 'encrypted'"],
    ['secret()', 'function', "needs the argument 'key'"],
    ['now(1, 2, 3, 4, 5)', 'function', 'takes at most 4 (format, timeZone, existingFormat, locale)'],
    ['text()', 'function', "unknown function 'text'"],
    ['toString()', 'function', "unknown function 'toString'"],
  ])('%s fails as %s: %s', (expression, kind, reason) => {
    const error = failure(`{{ ${expression} }}`, values);
    expect([error.kind, error.reason]).toEqual([kind, expect.stringContaining(reason)]);
  });

  it('asks the host', () => {
    const calls: unknown[] = [];
    const host: HostFunctions = {
      call: (name, args, named) => {
        calls.push([name, args, named]);
        return name === 'kv' ? { n: 1 } : undefined;
      },
    };
    expect(render("{{ kv('k', errorOnMissing=false).n + 1 }}", {}, { host })).toBe('2');
    expect(render("{{ read('f') }}", {}, { host })).toBe('');
    expect(calls).toEqual([
      ['kv', ['k'], { errorOnMissing: false }],
      ['read', ['f'], {}],
    ]);
  });

  it('lets ?? catch what the host calls undefined', () => {
    const host: HostFunctions = {
      call: () => {
        throw new ExpressionError('undefined', "there is no key 'k'");
      },
    };
    expect(render("{{ kv('k') ?? 'none' }}", {}, { host })).toBe('none');
    expect(failure("{{ kv('k') }}", {}, { host })).toMatchObject({ kind: 'undefined', line: 1, column: 4 });
  });

  it('reports failures of the host at the place of the call', () => {
    const host: HostFunctions = {
      call: () => {
        throw new Error("secret 'A' is missing");
      },
    };
    const error = failure("{{ 1 }}\n{{ secret('A') }}", {}, { host });
    expect(error).toMatchObject({ kind: 'function', reason: "secret 'A' is missing", line: 2, column: 4 });
  });
});

describe('errorLogs', () => {
  const logs = [{ taskId: 'a', message: 'it broke' }];

  it('reads what the host knows, under a name that no template can write', () => {
    const known = { ...values, [ERROR_LOGS_VARIABLE]: logs };
    expect(render('{{ errorLogs()[0].message }}', known)).toBe('it broke');
    expect(render('{{ fetchContext() }}', known)).not.toContain('it broke');
    expect(render('{{ errorLogs() }}', values)).toBe('[]');
  });

  it('is part of what a template needs', () => {
    const { references, isPure } = referencesOf('{{ errorLogs() }}');
    expect(references).toEqual([{ path: [ERROR_LOGS_VARIABLE] }]);
    expect(isPure).toBe(true);
  });
});
