import { decryptText, encryptedValue, isEncryptedValue } from '@millrace/expression';
import type { Input } from '@millrace/model';
import { resolveInputs } from '../src/index.js';

const KEY = Buffer.alloc(32, 3).toString('base64');
const bare = { now: 0, random: () => 0, timeZone: 'UTC' };
const environment = { ...bare, encryption: { key: KEY, place: 'execution1' } };
const SECRET: Input = { id: 'token', type: 'SECRET', validator: '[a-z]+' };

const resolved = (inputs: readonly Input[], given: Readonly<Record<string, unknown>>, seen = environment) => {
  const result = resolveInputs({ inputs: [...inputs] }, given, seen);
  if ('faults' in result) throw new Error(result.faults.map(({ message }) => message).join(' '));
  return result;
};
const opened = (value: unknown) => (isEncryptedValue(value) ? decryptText(KEY, value.value) : undefined);

describe('a SECRET input', () => {
  it('is stored encrypted, and readable for what is checked now', () => {
    const { values, readable } = resolved([SECRET], { token: 'abc' });
    expect(opened(values['token'])).toBe('abc');
    expect(JSON.stringify(values)).not.toContain('abc');
    expect(readable).toEqual({ token: 'abc' });
    expect(resolved([SECRET], { token: 'abc' }).values).toEqual(values);
  });

  it('is seen as its text by the inputs after it', () => {
    const size: Input = {
      id: 'size',
      type: 'INT',
      defaults: '{{ inputs.token | length }}',
      dependsOn: { inputs: ['token'] },
    };
    expect(resolved([SECRET, size], { token: 'abcd' }).values['size']).toBe(4);
  });

  it('that came encrypted is encrypted anew for its place; other types keep it encrypted too', () => {
    const given = encryptedValue(KEY, 'elsewhere', 'abc');
    const text: Input = { id: 'text', type: 'STRING' };
    const { values } = resolved([SECRET, text], { token: given, text: given });
    expect([opened(values['token']), opened(values['text'])]).toEqual(['abc', 'abc']);
    expect(values['token']).not.toEqual(given);
  });

  it('is refused without a key, and errors do not show it', () => {
    expect(() => resolved([SECRET], { token: 'abc' }, bare as typeof environment)).toThrow(
      /SECRET and cannot be stored, because no encryption key is configured: .*'encryption.secretKey'/,
    );
    expect(() => resolved([SECRET], { token: 'ABC-123' })).toThrow(
      /^The input 'token' is not what its declaration asks for.$/,
    );
    const other = encryptedValue(Buffer.alloc(16, 1).toString('base64'), 'x', 'abc');
    expect(() => resolved([SECRET], { token: other })).toThrow(/cannot be read: .*another key/);
  });
});
