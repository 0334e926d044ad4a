import { failure, render, typed } from './rendering.js';

const values = {
  nothing: null,
  map: { string: 'string', int: 1, float: 1.123, list: ['string', 1, 1.123], bool: true },
  rows: '{id: 1, name: "one"}\n{id: 2, name: "two"}\n',
  document: 'a: 1\nb:\n- x\n- y: 2\nc: "01"\nd: 2013-09-08T16:19:00Z\nbase: &base {p: 1}\nuse: {<<: *base, q: 2}\n',
};

describe('Ion', () => {
  it.each([
    ['map.string | toIon', '"string"'],
    ['map.int | toIon', '1'],
    ['map.float | toIon', '1.123e0'],
    ['-0.5 | toIon', '-0.5e0'],
    ['map.list | toIon', '["string",1,1.123e0]'],
    ['map.bool | toIon', 'true'],
    ['map | toIon', '{string:"string",int:1,float:1.123e0,list:["string",1,1.123e0],bool:true}'],
    ['{"empty_object":{}} | toIon', '{empty_object:{}}'],
    ['{"a b": 1, "null": 2, "it\'s": 3, "": 4} | toIon', "{'a b':1,'null':2,'it\\'s':3,'':4}"],
    ['[] | toIon', '[]'],
    ['null | toIon', 'null'],
    ['"12345678901234567890" | number | toIon', '12345678901234567890'],
    ['fromIon(rows).name', 'one'],
    ['fromIon(rows, true)[1].name', 'two'],
    ['fromIon(ion=rows, allRows=true) | length', '2'],
    ['fromIon("{a:[1,2.5,1e3,sym,null.int,{{aGk=}}]}").a', '[1,2.5,1000,"sym",null,"aGk="]'],
    ['fromIon("2013-09-08T16:19:00+02:00")', '2013-09-08T16:19:00+02:00'],
    ['fromIon("12345678901234567890")', '12345678901234567890'],
    ['fromIon("{a:true}").a', 'true'],
    ['fromIon("")', ''],
    ['fromIon(nothing)', ''],
    ['fromIon(map | toIon) == map', 'true'],
  ])('%s gives %j', (expression, expected) => {
    expect(render(`{{ ${expression} }}`, values)).toBe(expected);
  });

  it('escapes what Ion text cannot hold, and reads it back', () => {
    const text = 'quote " slash \\ line\nbreak \u0000 bell \u0007 é';
    expect(render('{{ text | toIon }}', { text })).toBe('"quote \\" slash \\\\ line\\nbreak \\0 bell \\a é"');
    expect(typed('{{ fromIon(text | toIon) }}', { text })).toBe(text);
  });

  it.each([
    ['fromIon()', "the function 'fromIon' needs the argument 'ion'"],
    ["fromIon('{a:')", 'the text is not Ion'],
    ["fromIon('{not: ion}}', true)", 'the text is not Ion'],
    ['fromIon(map)', 'fromIon needs text, but got a map'],
    ["fromIon('1', 'x')", "the argument 'allRows' must be true or false"],
  ])('%s fails: %s', (expression, message) => {
    expect(failure(`{{ ${expression} }}`, values).message).toContain(message);
  });

  it('reads nothing that is nested without end', () => {
    expect(failure('{{ fromIon(text) }}', { text: '['.repeat(100_000) }).kind).toBe('limit');
  });
});

describe('YAML', () => {
  it.each([
    ['"string" | yaml', 'string\n'],
    ['1 | yaml', '1\n'],
    ['"1" | yaml', '"1"\n'],
    ['null | yaml', 'null'],
    ['{"a": {"b": [1, "x"], "c": {}}} | yaml', 'a:\n  b:\n  - 1\n  - x\n  c: {}\n'],
    ['yaml(document).b[1].y', '2'],
    ['yaml(document).c', '01'],
    ['yaml(document).d', '2013-09-08T16:19:00Z'],
    ['yaml(document).use', '{"p":1,"q":2}'],
    ["yaml('x')", 'x'],
    ["yaml('')", ''],
    ['yaml(nothing)', ''],
    ['yaml(map | yaml) == map', 'true'],
    ['{"a": [1]} | yaml | indent(2)', 'a:\n  - 1\n  '],
  ])('%s gives %j', (expression, expected) => {
    expect(render(`{{ ${expression} }}`, values)).toBe(expected);
  });

  it.each([
    ['yaml()', "the function 'yaml' needs the argument 'yaml'"],
    ["yaml('a: [')", 'the text is not YAML'],
    ["yaml('a: 1\na: 2')", 'the text is not YAML'],
    ['yaml(map)', 'yaml needs text, but got a map'],
    ['| yaml', 'a value is expected here'],
  ])('%s fails: %s', (expression, message) => {
    expect(failure(`{{ ${expression} }}`, values).message).toContain(message);
  });

  it('refuses aliases that multiply without end', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `a${n}: &a${n} [${`*a${n - 1}, `.repeat(9)}*a${n - 1}]`);
    const text = ['a-1: &a-1 [x]', ...lines].join('\n');
    expect(failure('{{ yaml(text) }}', { text }).kind).not.toBe('undefined');
  });
});
