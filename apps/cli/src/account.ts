import { randomInt } from 'node:crypto';
import { Secret, type InitialAccount } from '@millrace/service';

/** Letters and digits that cannot be taken for one another. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const PASSWORD_LENGTH = 20;

/** An account `admin` with a random password of 20 characters (116 bits). */
export function generatedAccount(): InitialAccount {
  const password = Array.from({ length: PASSWORD_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return { username: 'admin', password: new Secret(password) };
}
