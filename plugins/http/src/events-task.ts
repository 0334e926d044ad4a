import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { inMemory } from './exchange.js';
import { requestProperties } from './properties.js';
import { refusal } from './request-task.js';
import { isAccepted, sendRequest } from './request.js';
import { serverSentEvents, type ServerSentEvent } from './server-sent-events.js';

const REFUSAL_BYTES_MAX = 64 * 1024;
/** Events, and characters of their data, that the outputs hold; all are in the file. */
const EVENTS_IN_OUTPUTS = 1_000;
const OUTPUT_LENGTH_MAX = 200_000;

interface Received {
  readonly uri: string;
  readonly events: readonly ServerSentEvent[];
  readonly size: number;
  readonly result: string | undefined;
}

/** `core.http.SseRequest`: takes the events of a stream until it ends. */
export const sseRequestTask = defineTask({
  type: 'core.http.SseRequest',
  kind: 'runnable',
  title: 'Takes the events of a stream (server-sent events).',
  schema: taskSchema(
    {
      ...requestProperties,
      concatJqExpression: Type.Optional(
        Type.String({ description: 'A jq expression on the data of each event; what it gives is joined to `result`.' }),
      ),
      failedOnMissingJq: Type.Optional(
        Dynamic(
          Type.Boolean({
            default: true,
            description: 'An event for which the expression gives nothing fails the task.',
          }),
        ),
      ),
    },
    'Takes the events of a stream until it ends.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'A file with each event on a line.' }),
    events: Type.Array(MapOf(Type.Unknown()), { description: 'The first events.' }),
    size: Type.Integer({ description: 'Number of events.' }),
    result: Type.Optional(Type.String({ description: 'What the jq expression gave, joined.' })),
  }),
  rendersItself: ['concatJqExpression'],
  async run(properties, context) {
    const { options, headers, concatJqExpression, failedOnMissingJq = true } = properties;
    const asking = { ...properties, headers: { accept: 'text/event-stream', ...headers } };
    const answer = await sendRequest<Received>(asking, context, (stream, head) =>
      isAccepted(head.code, options)
        ? receive(stream, concatJqExpression, failedOnMissingJq, context)
        : inMemory(REFUSAL_BYTES_MAX)(stream, head),
    );
    const { body } = answer;
    if (Buffer.isBuffer(body)) throw new TaskFailure(refusal(answer, body.toString('utf8')));
    const { result, ...outputs } = body;
    return { outputs: { ...outputs, ...(result === undefined ? {} : { result }) } };
  },
});

async function receive(
  stream: AsyncIterable<Buffer>,
  expression: string | undefined,
  failsOnMissing: boolean,
  context: TaskContext,
): Promise<Received> {
  const events: ServerSentEvent[] = [];
  let shown = 0;
  let size = 0;
  let result = '';
  async function* lines(): AsyncGenerator<string> {
    for await (const event of serverSentEvents(stream)) {
      size++;
      shown += event.data.length;
      if (size <= EVENTS_IN_OUTPUTS && shown <= OUTPUT_LENGTH_MAX) events.push(event);
      if (expression !== undefined) result += await selected(event, expression, failsOnMissing, context);
      if (result.length > OUTPUT_LENGTH_MAX)
        throw new TaskFailure(
          `The result has more than ${OUTPUT_LENGTH_MAX} characters: read the events from the file`,
        );
      yield `${JSON.stringify(event)}\n`;
    }
  }
  const uri = await context.files.store('events.ion', Readable.from(lines(), { objectMode: false }));
  return { uri, events, size, result: expression === undefined ? undefined : result };
}

/** The expression's first result for the data of an event, as text. */
async function selected(
  { data }: ServerSentEvent,
  expression: string,
  failsOnMissing: boolean,
  { render }: TaskContext,
): Promise<string> {
  let reason = 'gives nothing';
  try {
    const rendered = await render('{{ data | jq(expression) | toJson }}', { data, expression });
    const found: unknown = JSON.parse(rendered);
    const first: unknown = Array.isArray(found) ? found[0] : found;
    if (first !== undefined && first !== null) return typeof first === 'string' ? first : JSON.stringify(first);
  } catch (error) {
    reason = `fails: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (failsOnMissing) throw new TaskFailure(`'concatJqExpression' ${reason}`);
  return '';
}
