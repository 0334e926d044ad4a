import { createHash } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { textInput } from './arguments.js';
import type { Filter, Filters } from './definition.js';

/** Lower-case hexadecimal digest of the UTF-8 bytes. */
function hash(algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512'): Filter {
  return {
    parameters: [],
    apply: (input, _, run) =>
      createHash(algorithm)
        .update(run.made(textInput(input, algorithm, run)), 'utf8')
        .digest('hex'),
  };
}

/** Filters that encode, decode and digest text; texts are UTF-8. */
export const ENCODING_FILTERS: Filters = {
  base64encode: {
    parameters: [],
    apply: (input, _, run) => run.made(Buffer.from(textInput(input, 'base64encode', run), 'utf8').toString('base64')),
  },
  base64decode: {
    parameters: [],
    apply: (input, _, run) => {
      const text = textInput(input, 'base64decode', run).replace(/[\r\n]/g, '');
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) run.fail('type', 'the text is not base64');
      return run.made(Buffer.from(text, 'base64').toString('utf8'));
    },
  },
  urlencode: {
    parameters: [],
    apply: (input, _, run) => run.made(formEncoded(textInput(input, 'urlencode', run))),
  },
  urldecode: {
    parameters: [],
    apply: (input, _, run) => {
      const text = textInput(input, 'urldecode', run).replaceAll('+', ' ');
      try {
        return run.made(decodeURIComponent(text));
      } catch (error) {
        return run.fail('type', "the text is not URL-encoded: a '%' is not followed by valid digits", error);
      }
    },
  },
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
};

/** As forms are encoded: letters, digits and `.-*_` stay, a space becomes `+`. Half a surrogate pair becomes `?`. */
function formEncoded(text: string): string {
  return encodeURIComponent(
    text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '?'),
  )
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
