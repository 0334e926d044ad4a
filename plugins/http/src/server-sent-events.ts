import { StringDecoder } from 'node:string_decoder';
import { TaskFailure } from '@millrace/plugin-api';

/** One event of a stream (HTML standard, server-sent events). */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
  readonly comment?: string;
}

/** Characters of one event. */
const EVENT_LENGTH_MAX = 4 * 1024 * 1024;

/** The events of a stream as they come; those without data are left out. @throws TaskFailure when one is too long */
export async function* serverSentEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<ServerSentEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let lines: string[] = [];
  let length = 0;
  for await (const chunk of stream) {
    rest += decoder.write(chunk);
    const complete = rest.split(/\r\n|\n|\r(?!$)/);
    rest = complete.pop() ?? '';
    for (const line of complete) {
      if (line !== '') {
        lines.push(line);
        length += line.length;
      } else {
        const event = eventOf(lines);
        lines = [];
        length = 0;
        if (event) yield event;
      }
    }
    if (length + rest.length > EVENT_LENGTH_MAX)
      throw new TaskFailure(`An event has more than ${EVENT_LENGTH_MAX} characters`);
  }
  // An event that was not ended by an empty line is not complete, and does not count.
}

function eventOf(lines: readonly string[]): ServerSentEvent | undefined {
  const data: string[] = [];
  const members: { id?: string; event?: string; comment?: string } = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data.push(value);
    else if (name === 'id' || name === 'event') members[name] = value;
    else if (name === '') members.comment = value;
  }
  return data.length === 0 ? undefined : { ...members, data: data.join('\n') };
}
