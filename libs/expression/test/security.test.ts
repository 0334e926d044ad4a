import { LazyMap, renderDeep, variablesOf } from '../src/index.js';
import { anEnvironment, failure, render, typed } from './rendering.js';

class Secretive {
  readonly password = 'x';
  reveal(): string {
    return this.password;
  }
}

const values = {
  map: { a: 1 },
  list: [1],
  text: 'x',
  n: 1,
  fn: (): number => 1,
  instance: new Secretive(),
  nothing: null,
};

describe('expressions cannot leave their data', () => {
  it.each([
    'map.constructor',
    "map['constructor']",
    "map['con' ~ 'structor']",
    'map.__proto__',
    "map['__proto__']",
    'map.prototype',
    'list.constructor',
    "list['constructor']",
    'list.length',
    'list.push',
    'text.constructor',
    'text.length',
    "text['constructor']['constructor']",
    'n.constructor',
    'n.toFixed',
    'fn.constructor',
    'fn.call',
    'fn.name',
    'instance.password',
    'instance.reveal',
    'map.toString',
    'map.hasOwnProperty',
    'map.valueOf',
    'constructor',
    '__proto__',
    'toString',
    'globalThis',
    'process',
    'require',
    'this',
    'map["a"].constructor',
    '(1..3).constructor',
    "{'a': 1}.constructor",
    "fromJson('{}').constructor",
    'loop',
  ])('%s is refused', (expression) => {
    expect(failure(`{{ ${expression} }}`, values).kind).toMatch(/^(undefined|type)$/);
  });

  it.each([
    "list.constructor.constructor('return process')()",
    'map.toString()',
    "text.replace('a', 'b')",
    'fn()',
    "constructor('x')",
    '__proto__()',
    'hasOwnProperty("a")',
  ])('%s calls nothing', (expression) => {
    expect(failure(`{{ ${expression} }}`, values).kind).toMatch(/^(syntax|function)$/);
  });

  it.each(['1 | constructor', '1 | toString', '1 | __proto__', '1 is constructor', '1 is hasOwnProperty'])(
    '%s is unknown',
    (expression) => {
      expect(failure(`{{ ${expression} }}`).kind).toBe('function');
    },
  );

  it('does not let data change prototypes', () => {
    const json = '{"__proto__": {"polluted": true}, "a": 1}';
    for (const template of [
      '{{ fromJson(j) }}',
      '{{ fromJson(j) | merge({"b": 1}) }}',
      '{{ {"b": 1} | merge(fromJson(j)) }}',
      '{{ {"__proto__": {"polluted": true}} }}',
      '{{ {"a": 1} | merge(["__proto__"]) }}',
      '{{ fromJson(j) | replace({"a": "b"}) }}',
      '{{ render(fromJson(j)) }}',
    ]) {
      const result = typed(template, { j: json });
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
      expect(render(`{{ x.polluted ?? "clean" }}`, { x: result })).toBe('clean');
    }
    const rendered = renderDeep(JSON.parse(json), variablesOf({}), anEnvironment());
    expect(Object.getPrototypeOf(rendered)).toBe(Object.prototype);
    expect({}).not.toHaveProperty('polluted');
  });

  it('sees only own variables', () => {
    const inherited: unknown = Object.create({ hidden: 1 });
    expect(failure('{{ x.hidden }}', { x: inherited }).kind).toBe('undefined');
    expect(variablesOf({}).has('toString')).toBe(false);
    expect(variablesOf({}).get('constructor')).toBeUndefined();
  });

  it('does not show methods of lazy maps', () => {
    class Empty extends LazyMap {
      get(): unknown {
        return null;
      }
      has(): boolean {
        return false;
      }
      keys(): Iterable<string> {
        return [];
      }
    }
    for (const name of ['get', 'has', 'keys', 'toJSON', 'constructor', '__proto__']) {
      expect(failure(`{{ lazy.${name} }}`, { lazy: new Empty() }).kind).toMatch(/^(undefined|type)$/);
    }
  });

  it('refuses special names even when data owns them', () => {
    expect(failure('{{ x.constructor }}', { x: JSON.parse('{"constructor": 1}') as unknown }).kind).toBe('type');
    expect(render('{{ x }}', { x: JSON.parse('{"constructor": 1}') as unknown })).toBe('{"constructor":1}');
  });
});
