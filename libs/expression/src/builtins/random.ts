import type { Run } from '../run.js';
import { integerArgument, textArgument } from './arguments.js';
import type { Functions } from './definition.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const NANO_ID_ALPHABET = '_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const NANO_ID_LENGTH_MAX = 1000;
/** The epoch of KSUIDs, in seconds. */
const KSUID_EPOCH_SECONDS = 1_400_000_000;

/** Identifiers and random numbers, from the environment's clock and source of randomness. */
export const RANDOM_FUNCTIONS: Functions = {
  uuid: { parameters: [], call: (_, run) => uuidV7(run) },
  id: { parameters: [], call: (_, run) => base62(randomBytes(16, run), 22) },
  ksuid: { parameters: [], call: (_, run) => ksuid(run) },
  nanoId: {
    parameters: ['length', 'alphabet'],
    call: ([length, alphabet], run) =>
      nanoId(
        integerArgument(length, 'length', run, 21),
        textArgument(alphabet, 'alphabet', run, NANO_ID_ALPHABET),
        run,
      ),
  },
  randomInt: {
    parameters: ['lower', 'upper'],
    required: 2,
    call: ([lower, upper], run) => randomInt(lower, upper, run),
  },
};

function randomBytes(count: number, run: Run): Uint8Array {
  run.step(count);
  return Uint8Array.from({ length: count }, () => Math.floor(run.environment.random() * 256));
}

/** RFC 9562 version 7: 48 bits of milliseconds, then randomness. */
function uuidV7(run: Run): string {
  const time = Math.max(0, Math.trunc(run.environment.now)).toString(16).padStart(12, '0').slice(-12);
  const bytes = randomBytes(10, run);
  bytes[0] = ((bytes[0] ?? 0) & 0x0f) | 0x70;
  bytes[2] = ((bytes[2] ?? 0) & 0x3f) | 0x80;
  const hex = time + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Four bytes of seconds, sixteen of randomness, 27 characters that sort by time. */
function ksuid(run: Run): string {
  const seconds = Math.max(0, Math.trunc(run.environment.now / 1000) - KSUID_EPOCH_SECONDS) % 2 ** 32;
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, seconds);
  bytes.set(randomBytes(16, run), 4);
  return base62(bytes, 27);
}

function base62(bytes: Uint8Array, length: number): string {
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = '';
  while (text.length < length) {
    text = (BASE62[Number(number % 62n)] ?? '') + text;
    number /= 62n;
  }
  return text;
}

function nanoId(length: number, alphabet: string, run: Run): string {
  if (length < 1 || length > NANO_ID_LENGTH_MAX) {
    run.fail('type', `the argument 'length' must be from 1 to ${NANO_ID_LENGTH_MAX}, but is ${length}`);
  }
  const characters = [...alphabet];
  if (characters.length === 0) run.fail('type', "the argument 'alphabet' must have at least one character");
  run.step(length);
  const draw = (): string => characters[Math.floor(run.environment.random() * characters.length)] ?? '';
  return Array.from({ length }, draw).join('');
}

/** From `lower` to below `upper`. Numbers only: text here is mostly an input that was not converted. */
function randomInt(lower: unknown, upper: unknown, run: Run): number {
  if (
    typeof lower !== 'number' ||
    typeof upper !== 'number' ||
    !Number.isSafeInteger(lower) ||
    !Number.isSafeInteger(upper)
  ) {
    return run.fail('type', 'randomInt needs two integers');
  }
  if (upper <= lower) run.fail('type', `randomInt needs 'upper' above 'lower', but got ${lower} and ${upper}`);
  return lower + Math.floor(run.environment.random() * (upper - lower));
}
