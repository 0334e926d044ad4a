import { IonSyntaxError, readIon } from '@millrace/model/ion';

it('reads each kind of value as data', () => {
  expect(
    readIon('{a:[1,2.50,1e3,sym,null.int,{{aGk=}}],t:2013-09-08T16:19:00+02:00,n:12345678901234567890} "next"'),
  ).toEqual([
    { a: [1, 2.5, 1000, 'sym', null, 'aGk='], t: '2013-09-08T16:19:00+02:00', n: 12345678901234567890n },
    'next',
  ]);
});

it('keeps members of any name apart from what an object inherits', () => {
  const [value] = readIon('{"__proto__":{"isAdmin":true}}');
  expect(Object.keys(value as object)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

it('says what is wrong', () => {
  expect(() => readIon('{a:')).toThrow(IonSyntaxError);
});
