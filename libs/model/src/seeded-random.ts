import { createHash } from 'node:crypto';

/**
 * Numbers in [0, 1) that follow from the text: what is decided twice draws the same numbers twice. sfc32 over a SHA-256 of
 * the text, made at the first draw; not for secrets.
 */
export function seededRandom(seed: string): () => number {
  let words: Uint32Array | undefined;
  return () => {
    words ??= new Uint32Array(Uint8Array.from(createHash('sha256').update(seed).digest()).buffer, 0, 4);
    const [a = 0, b = 0, c = 0, counter = 0] = words;
    const drawn = (a + b + counter) >>> 0;
    words[3] = counter + 1;
    words[0] = b ^ (b >>> 9);
    words[1] = c + (c << 3);
    words[2] = ((c << 21) | (c >>> 11)) + drawn;
    return drawn / 2 ** 32;
  };
}
