import { decryptText, encryptedValue, encryptText, isEncryptedValue, keyProblem, referencesOf } from '../src/index.js';
import { failure, render } from './rendering.js';

const KEYS = [16, 24, 32].map((length) => Buffer.alloc(length, 7).toString('base64'));
const KEY = KEYS[2] ?? '';
const IV = Buffer.alloc(12, 1);

describe('encryption', () => {
  it.each(KEYS)('gives back what was encrypted with a key of %s', (key) => {
    const encrypted = encryptText(key, 'héllo', IV);
    expect(Buffer.from(encrypted, 'base64').subarray(0, 12)).toEqual(IV);
    expect(Buffer.from(encrypted, 'base64')).toHaveLength(12 + 6 + 16);
    expect(decryptText(key, encrypted)).toBe('héllo');
    expect(render('{{ decrypt(key, encrypted) }}', { key, encrypted })).toBe('héllo');
  });

  it.each([
    ["decrypt('toto')", "needs the argument 'encrypted'"],
    ['decrypt()', "needs the argument 'key'"],
    ["decrypt('toto', 'x')", 'the key must be base64 of 16, 24 or 32 bytes'],
    ['decrypt(key, "x")', 'not base64 of a vector'],
    ['decrypt(other, encrypted)', 'encrypted with another key, or was changed'],
    ["encrypt('toto')", "needs the argument 'plaintext'"],
    ['encrypt(key, "x")', 'needs a worker'],
  ])('%s fails: %s', (expression, message) => {
    const values = { key: KEY, other: KEYS[0], encrypted: encryptText(KEY, 'secret', IV) };
    const { message: said } = failure(`{{ ${expression} }}`, values);
    expect(said).toContain(message);
  });

  it('stores values so that the same decision writes the same, and others tell nothing', () => {
    const value = encryptedValue(KEY, 'execution/input', 'secret');
    expect(isEncryptedValue(value)).toBe(true);
    expect(encryptedValue(KEY, 'execution/input', 'secret')).toEqual(value);
    expect(encryptedValue(KEY, 'other/input', 'secret')).not.toEqual(value);
    expect(encryptedValue(KEY, 'execution/input', 'other').value.slice(0, 16)).not.toBe(value.value.slice(0, 16));
    expect(decryptText(KEY, value.value)).toBe('secret');
  });

  it('says whether a key can be used', () => {
    expect(keyProblem(KEY)).toBeUndefined();
    expect(keyProblem('abc')).toContain('16, 24 or 32 bytes');
    expect(keyProblem('***')).toContain('base64');
  });

  it('may decrypt anywhere, and encrypts only where there is randomness', () => {
    expect(referencesOf('{{ decrypt(a, b) }}').isPure).toBe(true);
    expect(referencesOf('{{ encrypt(a, b) }}').isPure).toBe(false);
  });
});
