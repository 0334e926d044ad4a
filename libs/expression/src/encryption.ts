import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { isPlainMap } from './values.js';

/** What marks a map as an encrypted value; the spelling is that of stored executions. */
export const ENCRYPTED_TYPE = 'io.kestra.datatype:aes_encrypted';

/** A text that only those with the server's key can read; this is how it is stored and shown. */
export interface EncryptedValue {
  readonly type: typeof ENCRYPTED_TYPE;
  /** Base64 of initialisation vector, cipher text and tag. */
  readonly value: string;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHMS: Readonly<Record<number, 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Why a text could not be encrypted or decrypted, as a sentence that shows neither text nor key. */
export class EncryptionProblem extends Error {
  override readonly name = 'EncryptionProblem';
}

/** Whether a value is an `EncryptedValue`. */
export function isEncryptedValue(value: unknown): value is EncryptedValue {
  if (!isPlainMap(value)) return false;
  return value['type'] === ENCRYPTED_TYPE && typeof value['value'] === 'string';
}

/**
 * AES in Galois/counter mode: base64 of the initialisation vector, the cipher text and the 128-bit tag.
 *
 * @param key base64 of 16, 24 or 32 bytes
 * @param iv 12 bytes, never twice with the same key for different texts
 * @throws EncryptionProblem when the key cannot be used
 */
export function encryptText(key: string, plaintext: string, iv: Uint8Array): string {
  const { algorithm, bytes } = readKey(key);
  const cipher = createCipheriv(algorithm, bytes, iv);
  return Buffer.concat([iv, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** The text of what `encryptText` made. @throws EncryptionProblem when key or text do not fit */
export function decryptText(key: string, encrypted: string): string {
  const { algorithm, bytes } = readKey(key);
  const text = encrypted.replace(/\s+/g, '');
  const all = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (all === undefined || all.length < IV_BYTES + TAG_BYTES) {
    throw new EncryptionProblem('the encrypted text is not base64 of a vector, a cipher text and a tag');
  }
  const decipher = createDecipheriv(algorithm, bytes, all.subarray(0, IV_BYTES));
  decipher.setAuthTag(all.subarray(all.length - TAG_BYTES));
  try {
    const start = decipher.update(all.subarray(IV_BYTES, all.length - TAG_BYTES));
    return Buffer.concat([start, decipher.final()]).toString('utf8');
  } catch (error) {
    throw new EncryptionProblem('the text cannot be decrypted: it was encrypted with another key, or was changed', {
      cause: error,
    });
  }
}

/**
 * Encrypts a value for storage, without randomness: the initialisation vector follows from key, place and text, so that a
 * repeated decision writes the same, and no vector is used for two texts. Only the same text at the same place can be
 * told to be the same.
 *
 * @param place where the value belongs, such as the execution's id and the input's
 * @throws EncryptionProblem when the key cannot be used
 */
export function encryptedValue(key: string, place: string, plaintext: string): EncryptedValue {
  const { bytes } = readKey(key);
  const digest = createHmac('sha256', bytes)
    .update(JSON.stringify([place, plaintext]))
    .digest();
  return { type: ENCRYPTED_TYPE, value: encryptText(key, plaintext, digest.subarray(0, IV_BYTES)) };
}

/** Undefined when the key can be used; else what is wrong, as the end of a sentence. */
export function keyProblem(key: string): string | undefined {
  try {
    readKey(key);
    return undefined;
  } catch (error) {
    if (error instanceof EncryptionProblem) return error.message;
    throw error;
  }
}

function readKey(key: string): {
  readonly algorithm: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm';
  readonly bytes: Buffer;
} {
  const text = key.trim();
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  const algorithm = bytes === undefined ? undefined : ALGORITHMS[bytes.length];
  if (bytes === undefined || algorithm === undefined) {
    throw new EncryptionProblem('the key must be base64 of 16, 24 or 32 bytes; `openssl rand -base64 32` makes one');
  }
  return { algorithm, bytes };
}
