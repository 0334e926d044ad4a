import { instantOf } from '../src/instant.js';
import { namespaceChooser, patternChooser, versionPurge } from '../src/purge-behavior.js';

it.each<[string, Parameters<typeof namespaceChooser>[0], readonly string[]]>([
  ['nothing is said', {}, ['a', 'a.b', 'ab', 'c']],
  ['one is named', { namespaces: 'a' }, ['a', 'a.b']],
  ['some are named, without those below', { namespaces: ['a', 'c'], includeChildNamespaces: false }, ['a', 'c']],
  ['a pattern is given', { namespacePattern: 'a*' }, ['a', 'a.b', 'ab']],
])('namespaces are chosen when %s', (_what, chosen, expected) => {
  expect(['a', 'a.b', 'ab', 'c'].filter(namespaceChooser(chosen))).toEqual(expected);
});

it('namespaces are not said in two ways', () => {
  expect(() => namespaceChooser({ namespaces: 'a', namespacePattern: 'a' })).toThrow('not both');
});

it('names are chosen by a pattern, all without one', () => {
  expect(['tmp_1', 'kept'].filter(patternChooser('tmp_*'))).toEqual(['tmp_1']);
  expect(['tmp_1', 'kept'].filter(patternChooser(undefined))).toEqual(['tmp_1', 'kept']);
});

it('versions are chosen by a date, a number or both', () => {
  expect(versionPurge({ before: '1970-01-01T00:00:01Z', keepAmount: 3 })).toEqual({ before: 1_000, keepAmount: 3 });
  expect(() => versionPurge({})).toThrow("needs 'before' or 'keepAmount'");
});

it.each([
  ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
  ['2026-03-01T12:00:00.123456+01:00', Date.UTC(2026, 2, 1, 11, 0, 0, 123)],
  ['2026-03-01T12:00:00+01:00[Europe/Paris]', Date.UTC(2026, 2, 1, 11)],
  [' 2026-03-01 ', Date.UTC(2026, 2, 1)],
])('the date %s is an instant', (text, instant) => expect(instantOf('endDate', text)).toBe(instant));

it.each(['yesterday', '2026-03-01T12:00:00', '2026-13-01', ''])('the date %j is refused', (text) => {
  expect(() => instantOf('endDate', text)).toThrow("Property 'endDate' must be a date and time");
});
