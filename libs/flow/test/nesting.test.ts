import { nestingFault } from '../src/yaml/nesting.js';

const deepList = Array.from({ length: 300 }, (_, level) => `${' '.repeat(level)}a:`).join('\n');

describe('the look at a text before it is parsed', () => {
  it.each([
    ['brackets', '['.repeat(100_000), 1, 200],
    ['braces after a line', `a: 1\nb: ${'{'.repeat(500)}`, 2, 203],
    ['lines indented deeper and deeper', deepList, 201, 201],
    ['lists that open lists', '- '.repeat(100_000) + 'x', 1, 1],
  ])('finds %s that are nested too deeply', (_name, text, line, column) => {
    expect(nestingFault(text)).toMatchObject({
      line,
      message: expect.stringContaining('nested deeper than 200 levels'),
    });
    expect(nestingFault(text)?.column).toBeLessThanOrEqual(column);
  });

  it.each([
    ['brackets that are closed', '[1, {a: [2]}]\n'.repeat(1_000)],
    ['a line of dashes', `${'-'.repeat(500)}\na: 1`],
    ['many lines of one depth', 'a:\n  - b\n'.repeat(10_000)],
    ['a long text', `a: ${'x'.repeat(100_000)}`],
  ])('lets %s through', (_name, text) => {
    expect(nestingFault(text)).toBeUndefined();
  });
});
