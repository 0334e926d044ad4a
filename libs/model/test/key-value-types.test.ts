import { typeOfValue, valueOfText, valueOfType, type KeyValueType } from '../src/index.js';

it.each<[KeyValueType, unknown, unknown]>([
  ['STRING', ' 5 ', ' 5 '],
  ['NUMBER', '5.5', 5.5],
  ['NUMBER', 'five', undefined],
  ['NUMBER', '', undefined],
  ['BOOLEAN', 'True', true],
  ['BOOLEAN', 'yes', undefined],
  ['DATETIME', '2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'],
  ['DATETIME', '2026-03-01T12:00:00.123+01:00', '2026-03-01T12:00:00.123+01:00'],
  ['DATETIME', '2026-03-01', undefined],
  ['DATE', '2026-03-01', '2026-03-01'],
  ['DATE', '2026-13-01', undefined],
  ['DURATION', 'PT5M', 'PT5M'],
  ['DURATION', '5m', undefined],
  ['JSON', '{"n": 5}', { n: 5 }],
  ['JSON', '{n', undefined],
  ['JSON', { n: 5 }, { n: 5 }],
  ['STRING', 5, 5],
])('a value of type %s written %j is %j', (type, written, value) => {
  const typed = valueOfType(type, written);
  expect('value' in typed ? typed.value : undefined).toEqual(value);
});

it.each<[unknown, KeyValueType]>([
  ['2026-03-01', 'STRING'],
  [5, 'NUMBER'],
  [5n, 'NUMBER'],
  [true, 'BOOLEAN'],
  [new Date(0), 'DATETIME'],
  [[1], 'JSON'],
  [null, 'JSON'],
])('%p is of type %s', (value, type) => expect(typeOfValue(value)).toBe(type));

it.each<[string, unknown, KeyValueType]>([
  ['"hello"', 'hello', 'STRING'],
  ['hello', 'hello', 'STRING'],
  [' 5 ', 5, 'NUMBER'],
  ['true', true, 'BOOLEAN'],
  ['{"a":1}', { a: 1 }, 'JSON'],
  ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z', 'DATETIME'],
  ['2026-03-01', '2026-03-01', 'DATE'],
  ['PT5M', 'PT5M', 'DURATION'],
  ['"PT5M"', 'PT5M', 'STRING'],
  ['', '', 'STRING'],
])('the text %j stands for %j, a %s', (text, value, type) => expect(valueOfText(text)).toEqual({ value, type }));
