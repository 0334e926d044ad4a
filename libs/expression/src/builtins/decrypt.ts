import { decryptText, EncryptionProblem } from '../encryption.js';
import type { Run } from '../run.js';
import { textArgument } from './arguments.js';
import type { Functions } from './definition.js';

/** `decrypt`; its counterpart `encrypt` needs randomness and is the host's. */
export const DECRYPT_FUNCTIONS: Functions = {
  decrypt: {
    parameters: ['key', 'encrypted'],
    required: 2,
    call: ([key, encrypted], run) =>
      decrypt(textArgument(key, 'key', run), run.made(textArgument(encrypted, 'encrypted', run)), run),
  },
};

function decrypt(key: string, encrypted: string, run: Run): string {
  try {
    return decryptText(key, encrypted);
  } catch (error) {
    if (error instanceof EncryptionProblem) return run.fail('function', error.message, error);
    throw error;
  }
}
