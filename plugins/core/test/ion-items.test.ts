import { itemOf } from '../src/storage/ion-items.js';

describe('An item of a file', () => {
  it.each([
    ['{"a":1,"t":"é"}', { a: 1, t: 'é' }],
    ['{a:1,t:2024-01-02T}', { a: 1, t: '2024-01-02' }],
    ['{"n":12345678901234567890}', { n: 12345678901234567890n }],
    ['null', null],
    ['word', 'word'],
  ])('%s', (text, value) => {
    expect(itemOf(text, 1)).toEqual({ text, value });
  });

  it('says on which line it is wrong', () => {
    expect(() => itemOf('{a:', 7)).toThrow('Line 7 is neither JSON nor Ion');
  });
});
