import { editDistance, nearestName, parseDuration } from '../src/index.js';

describe('parseDuration', () => {
  it.each([
    ['PT5S', 5_000],
    ['PT0.5S', 500],
    ['PT0.25S', 250],
    ['PT1M30S', 90_000],
    ['P1D', 86_400_000],
    ['P1DT2H', 93_600_000],
    ['P2W', 1_209_600_000],
    ['pt1h', 3_600_000],
    ['-PT1S', -1_000],
    ['PT-1S', -1_000],
    ['PT0S', 0],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', 'P', 'PT', 'P1', '5s', 'P1Y', 'P1M', 'PT1D', 'P1H', 'P1DT', 'PT1S ', 'PT.5S', 'PT1.5M', '1H'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('nearestName', () => {
  it.each([
    ['mesage', ['message', 'level'], 'message'],
    ['messgae', ['message'], 'message'],
    ['LEVEL', ['message', 'level'], 'level'],
    ['x', ['message'], undefined],
    ['id', ['to'], undefined],
    ['', ['a'], undefined],
  ])('for %s of %j is %s', (wanted, known, expected) => {
    expect(nearestName(wanted, known)).toBe(expected);
  });

  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('ab', 'ba')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
  });
});
