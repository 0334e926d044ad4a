import { StringDecoder } from 'node:string_decoder';
import { TaskFailure } from '@millrace/plugin-api';

/** Characters of one line or item; a longer one would not fit into memory beside the others. */
export const PIECE_LENGTH_MAX = 32 * 1024 * 1024;

/**
 * The pieces of a text between separators, without them, in their order; nothing after a separator at the end is no piece.
 * Holds one piece at a time, however long the text is.
 * @throws TaskFailure when a piece is longer than `PIECE_LENGTH_MAX`
 */
export async function* pieces(
  input: AsyncIterable<unknown>,
  separator: string,
  decode: (chunk: Buffer) => string = utf8(),
): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decode(asBuffer(chunk));
    let from = 0;
    for (let at = rest.indexOf(separator); at >= 0; at = rest.indexOf(separator, from)) {
      yield rest.slice(from, at);
      from = at + separator.length;
    }
    rest = rest.slice(from);
    if (rest.length > PIECE_LENGTH_MAX) {
      throw new TaskFailure(
        `A piece of the file has more than ${PIECE_LENGTH_MAX} characters without the separator ${JSON.stringify(separator)}: use the separator of the file`,
      );
    }
  }
  if (rest !== '') yield rest;
}

const asBuffer = (chunk: unknown): Buffer => {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError('A file is read in bytes or text');
};

function utf8(): (chunk: Buffer) => string {
  const decoder = new StringDecoder('utf8');
  return (chunk) => decoder.write(chunk);
}
