import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { inMemory, type AnswerHead } from './exchange.js';
import { requestProperties } from './properties.js';
import { refusal } from './request-task.js';
import { isAccepted, sendRequest } from './request.js';

/** Bytes that are read of an answer that is a failure. */
const REFUSAL_BYTES_MAX = 64 * 1024;

interface Stored {
  readonly uri: string;
  readonly length: number;
}

/** `core.http.Download`: an answer's body becomes a file of internal storage, however large it is. */
export const downloadTask = defineTask({
  type: 'core.http.Download',
  aliases: ['fs.http.Download'],
  kind: 'runnable',
  title: 'Downloads a file over HTTP.',
  schema: taskSchema(
    {
      ...requestProperties,
      failOnEmptyResponse: Type.Optional(
        Dynamic(Type.Boolean({ default: true, description: 'An answer without a body is a failure.' })),
      ),
      saveAs: Type.Optional(
        Dynamic(
          Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'Name of the file. Default: as the server calls it.',
          }),
        ),
      ),
    },
    'Downloads a file into internal storage.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'The file.' }),
    code: Type.Integer({ description: 'Status of the answer.' }),
    length: Type.Integer({ description: 'Bytes.' }),
    headers: MapOf(Type.Array(Type.String()), { description: 'Headers of the answer, names in lower case.' }),
  }),
  async run(properties, context) {
    const { options, failOnEmptyResponse = true, saveAs } = properties;
    const answer = await sendRequest<Stored>(properties, context, (stream, head) =>
      isAccepted(head.code, options)
        ? store(stream, saveAs ?? nameOf(head, properties.uri), context)
        : inMemory(REFUSAL_BYTES_MAX)(stream, head),
    );
    const { body, code, headers } = answer;
    if (Buffer.isBuffer(body)) throw new TaskFailure(refusal(answer, body.toString('utf8')));
    if (body.length === 0 && failOnEmptyResponse) {
      await context.files.remove(body.uri);
      throw new TaskFailure(
        `${answer.url.host} answered ${code} without a body: set failOnEmptyResponse to false if that is no failure`,
      );
    }
    return { outputs: { uri: body.uri, code, length: body.length, headers: { ...headers } } };
  },
});

async function store(stream: AsyncIterable<Buffer>, name: string, { files }: TaskContext): Promise<Stored> {
  let length = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      length += chunk.length;
      yield chunk;
    }
  }
  const uri = await files.store(name, Readable.from(counted(), { objectMode: false }));
  return { uri, length };
}

/** The name that the server gives, else the last part of the path; never one that leads into another folder. */
function nameOf({ headers }: AnswerHead, uri: string): string {
  const disposition = headers['content-disposition']?.[0] ?? '';
  const extended = /filename\*\s*=\s*(?:UTF-8|utf-8)''([^;]+)/.exec(disposition)?.[1];
  const plain = /filename\s*=\s*(?:"([^"]*)"|([^;]+))/.exec(disposition);
  const path = URL.canParse(uri) ? new URL(uri).pathname : '';
  const found = decoded(extended) ?? plain?.[1] ?? plain?.[2]?.trim() ?? decoded(path.split('/').at(-1));
  const name =
    (found ?? '')
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/[\u0000-\u001f\u007f%]/g, '_')
      .slice(0, 200) ?? '';
  return /^\.*$/.test(name) ? 'download' : name;
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    // A '%' that begins no code: the name as it is.
    return text;
  }
}
