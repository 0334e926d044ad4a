import { LazyMap } from '../src/index.js';
import { failure, render, typed } from './rendering.js';

class Recorded extends LazyMap {
  readonly read: string[] = [];

  constructor(private readonly members: ReadonlyMap<string, unknown>) {
    super();
  }

  get(key: string): unknown {
    this.read.push(key);
    return this.members.get(key);
  }

  has(key: string): boolean {
    return this.members.has(key);
  }

  keys(): Iterable<string> {
    return this.members.keys();
  }
}

const aLazyMap = (members: Record<string, unknown>): Recorded => new Recorded(new Map(Object.entries(members)));

describe('a lazy map', () => {
  it('reads only what is asked', () => {
    const outputs = aLazyMap({ one: { value: 1 }, two: { value: 2 } });
    expect(render('{{ outputs.two.value }}{{ outputs.three ?? "none" }}', { outputs })).toBe('2none');
    expect(outputs.read).toEqual(['two']);
  });

  it.each([
    ['m.a', '1'],
    ["m['b'].c", 'deep'],
    ['m', '{"a":1,"b":{"c":"deep"}}'],
    ['[m]', '[{"a":1,"b":{"c":"deep"}}]'],
    ['m | toJson', '{"a":1,"b":{"c":"deep"}}'],
    ['m | keys', '["a","b"]'],
    ['m | values', '[1,{"c":"deep"}]'],
    ['m | length', '2'],
    ['m | first', '1'],
    ["m | merge({'z': 1}) | keys", '["a","b","z"]'],
    ["'a' isIn m", 'true'],
    ['1 isIn m', 'true'],
    ["m contains 'b'", 'true'],
    ["m contains 'x'", 'false'],
    ['m is map', 'true'],
    ['m is iterable', 'true'],
    ['m is empty', 'false'],
    ['empty is empty', 'true'],
    ["m == {'a': 1, 'b': {'c': 'deep'}}", 'true'],
    ["{'a': 1, 'b': {'c': 'deep'}} == m", 'true'],
    ['m ? "yes" : "no"', 'yes'],
    ['empty ? "yes" : "no"', 'no'],
    ["m | replace({'deep': 'changed'})", '{"a":"1","b":{"c":"changed"}}'],
    ["m.nothing ?? 'd'", 'd'],
    ["m.unset ?? 'd'", 'd'],
  ])('in %s behaves like a map', (expression, expected) => {
    const b = aLazyMap({ c: 'deep' });
    expect(render(`{{ ${expression} }}`, { m: aLazyMap({ a: 1, b }), empty: aLazyMap({}) })).toBe(expected);
  });

  it('is iterated by entries', () => {
    const m = aLazyMap({ a: 1, b: 2 });
    expect(render('{% for e in m %}{{ e.key }}{{ e.value }}{% endfor %}', { m })).toBe('a1b2');
  });

  it('becomes plain data in typed rendering', () => {
    const m = aLazyMap({ a: aLazyMap({ b: [aLazyMap({ c: 1 })] }) });
    expect(typed('{{ m }}', { m })).toEqual({ a: { b: [{ c: 1 }] } });
    expect(typed('{{ [m.a] }}', { m })).toEqual([{ b: [{ c: 1 }] }]);
    expect(JSON.stringify(m)).toBe('{"a":{"b":[{"c":1}]}}');
    const plain = { x: [1] };
    expect(typed('{{ plain }}', { plain })).toBe(plain);
  });

  it('suggests its names', () => {
    expect(failure('{{ m.vaule }}', { m: aLazyMap({ value: 1 }) }).reason).toContain("did you mean 'value'?");
  });
});
