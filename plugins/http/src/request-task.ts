import { Type } from '@sinclair/typebox';
import { Dynamic, excerpt, MapOf, taskSchema, type PlainObject } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { decoded } from './decoded.js';
import { requestProperties } from './properties.js';
import { isAccepted, sendRequest, shownHeaders, type Answered, type RequestProperties } from './request.js';

/** `core.http.Request`: one request, its answer as output. */
export const requestTask = defineTask({
  type: 'core.http.Request',
  aliases: ['fs.http.Request'],
  kind: 'runnable',
  title: 'Sends an HTTP request.',
  schema: taskSchema(
    {
      ...requestProperties,
      encryptBody: Type.Optional(
        Dynamic(
          Type.Boolean({
            default: false,
            description: 'The output is `encryptedBody`, which only expressions of this installation can read.',
          }),
        ),
      ),
    },
    'Sends an HTTP request; its output is the answer.',
  ),
  outputs: Type.Object({
    uri: Type.String({ description: 'Where the answer came from, after redirects.' }),
    code: Type.Integer({ description: 'Status of the answer.' }),
    headers: MapOf(Type.Array(Type.String()), { description: 'Headers of the answer, names in lower case.' }),
    body: Type.Optional(Type.String({ description: 'Body of the answer as text.' })),
    encryptedBody: Type.Optional(
      MapOf(Type.Unknown(), { description: 'Body of the answer, encrypted, with encryptBody.' }),
    ),
    formData: Type.Optional(MapOf(Type.Unknown(), { description: 'The form that was sent.' })),
  }),
  async run(properties, context) {
    const isHidden = properties.encryptBody === true;
    // Before anything is sent: without a key the answer could not be kept.
    if (isHidden) await context.encrypt('');
    const answer = await sendRequest(properties, context);
    const { body, ...others } = outputsOf(properties, answer);
    logAnswer(properties, answer, isHidden ? '(hidden by encryptBody)' : body, context);
    const outputs = { ...others, ...(isHidden ? { encryptedBody: await context.encrypt(body) } : { body }) };
    if (isAccepted(answer.code, properties.options)) return { outputs };
    throw new TaskFailure(refusal(answer, isHidden ? '' : body), outputs);
  },
});

/** What a status says that is a failure. */
export function refusal({ url, code, reason }: Answered<unknown>, body: string): string {
  const words = body === '' ? '' : `: ${excerpt(body, 300)}`;
  return `${url.host} answered ${code} ${reason}${words}`;
}

function outputsOf({ formData, options }: RequestProperties, { url, code, headers, body }: Answered) {
  return {
    uri: url.href,
    code,
    headers: { ...headers },
    body: decoded(body, headers['content-type']?.[0], options?.defaultCharset ?? 'UTF-8'),
    ...(formData && { formData }),
  } satisfies PlainObject;
}

function logAnswer(
  { options }: RequestProperties,
  { code, reason, headers }: Answered,
  body: string,
  { log }: TaskContext,
): void {
  if (options?.logs?.includes('RESPONSE_HEADERS'))
    log.write('INFO', `Response headers: ${code} ${reason}\n${shownHeaders(headers)}`);
  if (options?.logs?.includes('RESPONSE_BODY')) log.write('INFO', `Response body: ${body}`);
}
