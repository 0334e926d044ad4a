import { serverSentEvents, type ServerSentEvent } from '@millrace/cli';

async function* chunksOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

async function parsed(...texts: readonly string[]): Promise<readonly ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(chunksOf(texts))) events.push(event);
  return events;
}

describe('a stream of server-sent events', () => {
  it.each<[string, string[], Partial<ServerSentEvent>[]]>([
    ['one event', ['id: start\ndata: {}\n\n'], [{ event: 'message', id: 'start', data: '{}' }]],
    ['a named event', ['event: end\ndata: 1\n\n'], [{ event: 'end', data: '1' }]],
    ['data in several lines', ['data: a\ndata: b\n\n'], [{ data: 'a\nb' }]],
    ['no space after the colon', ['data:a\n\n'], [{ data: 'a' }]],
    ['only one space is dropped', ['data:  a\n\n'], [{ data: ' a' }]],
    ['comments', [': heartbeat\n\ndata: a\n\n'], [{ data: 'a' }]],
    ['CRLF', ['data: a\r\n\r\ndata: b\r\n\r\n'], [{ data: 'a' }, { data: 'b' }]],
    ['CRLF cut in two', ['data: a\r', '\n\r', '\ndata: b\r\n\r\n'], [{ data: 'a' }, { data: 'b' }]],
    ['the id stays for later events', ['id: 7\ndata: a\n\ndata: b\n\n'], [{ id: '7' }, { id: '7' }]],
    ['an event without data is none', ['id: 7\n\ndata: b\n\n'], [{ id: '7', data: 'b' }]],
    ['an unfinished event is none', ['data: a\n\ndata: b\n'], [{ data: 'a' }]],
    ['any cut', [...'id: é\ndata: {"a":"ü"}\n\n'], [{ id: 'é', data: '{"a":"ü"}' }]],
  ])('understands: %s', async (_, texts, expected) => {
    const events = await parsed(...texts);
    expect(events).toHaveLength(expected.length);
    for (const [index, event] of expected.entries()) expect(events[index]).toMatchObject(event);
  });

  it('joins a character that was cut in two', async () => {
    const bytes = new TextEncoder().encode('data: ü\n\n');
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 7);
      yield bytes.subarray(7);
    }
    const events: ServerSentEvent[] = [];
    for await (const event of serverSentEvents(cut())) events.push(event);
    expect(events).toMatchObject([{ data: 'ü' }]);
  });
});
