import { ENCRYPTED_TYPE, keepTemplates } from '../src/index.js';
import { failure, render, typed } from './rendering.js';

const SEALED = { type: ENCRYPTED_TYPE, value: 'AAAA' };
const values = { sealed: SEALED, map: { token: SEALED, plain: 1 }, list: [SEALED] };
const refusing = { refusesEncrypted: true };

describe('encrypted values', () => {
  it.each([
    'sealed',
    'map.token',
    'map["token"]',
    'list[0]',
    'map',
    'list | toJson',
    'map | values | first',
    'fetchContext()',
  ])('%s is refused where they must not be read', (expression) => {
    expect(failure(`{{ ${expression} }}`, values, refusing).kind).toBe('encrypted');
  });

  it.each([
    ['map.plain', 1],
    ['map | keys', ['token', 'plain']],
    ['nothing ?? 5', 5],
  ])('%s does not read one', (expression, expected) => {
    expect(typed(`{{ ${expression} }}`, values, refusing)).toEqual(expected);
  });

  it('are not what `??` is for', () => {
    expect(failure('{{ map.token ?? 1 }}', values, refusing).kind).toBe('encrypted');
  });

  it('are maps like others elsewhere', () => {
    expect(render('{{ sealed.value }}', values)).toBe('AAAA');
  });
});

describe('keepTemplates', () => {
  afterAll(() => keepTemplates(1000));
  it.each([0, 1, 1000])('changes nothing but the time when %d are kept', (count) => {
    keepTemplates(count);
    expect([render('{{ 1 + 1 }}'), render('{{ 2 + 2 }}'), render('{{ 1 + 1 }}')]).toEqual(['2', '4', '2']);
  });
});
