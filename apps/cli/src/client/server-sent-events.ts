/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** `message` when the server named none. */
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Characters of one event; a server that sends more is not one of ours. */
const EVENT_LENGTH_MAX = 64 * 1024 * 1024;

/**
 * Parses a stream of server-sent events as the WHATWG standard describes: lines end with LF, CR or CRLF, lines of data
 * are joined, comments are dropped, an event without data is dropped.
 *
 * @throws Error when one event is longer than 64 M characters
 */
export async function* serverSentEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let fields: Fields = NO_FIELDS;
  let id = '';
  for await (const chunk of body) {
    const { lines, unfinished } = splitLines(rest + decoder.decode(chunk, { stream: true }));
    rest = unfinished;
    for (const line of lines) {
      if (line !== '') {
        fields = withLine(fields, line);
        if (fields.length > EVENT_LENGTH_MAX) throw new Error('The server sent an event that is too long');
        continue;
      }
      id = fields.id ?? id;
      if (fields.data.length > 0) yield { event: fields.event, id, data: fields.data.join('\n') };
      fields = NO_FIELDS;
    }
    if (rest.length > EVENT_LENGTH_MAX) throw new Error('The server sent an event that is too long');
  }
}

interface Fields {
  readonly event: string;
  readonly id?: string;
  readonly data: readonly string[];
  readonly length: number;
}

const NO_FIELDS: Fields = { event: 'message', data: [], length: 0 };

function withLine(fields: Fields, line: string): Fields {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
  const length = fields.length + line.length;
  if (name === 'event') return { ...fields, event: value, length };
  if (name === 'id') return { ...fields, id: value, length };
  if (name === 'data') return { ...fields, data: [...fields.data, value], length };
  return { ...fields, length };
}

/** A CR at the end is kept back: the LF of a CRLF may come with the next chunk. */
function splitLines(text: string): { readonly lines: readonly string[]; readonly unfinished: string } {
  const heldBack = text.endsWith('\r') ? '\r' : '';
  const parts = (heldBack === '' ? text : text.slice(0, -1)).split(/\r\n|\n|\r/);
  const last = parts.pop() ?? '';
  return { lines: parts, unfinished: last + heldBack };
}
