import { checkProperties, TaskFailure, type ExpressionFunction } from '@millrace/plugin-api';
import { isPlainObject, type PlainObject } from '@millrace/model';
import { parse } from 'yaml';
import { decoded } from './decoded.js';
import { inMemory } from './exchange.js';
import { isAccepted, sendRequest, type RequestProperties } from './request.js';
import { refusal, requestTask } from './request-task.js';

/** Bytes of an answer that an expression gets; a larger one is for a task. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** How long an expression waits for an answer, in milliseconds. */
const TIMEOUT_MS = 60_000;
const FORM = /^(?:application\/x-www-form-urlencoded|multipart\/form-data)/i;

/**
 * `http(uri, method, query, body, contentType, headers, options, accept)`: the body of the answer, JSON and YAML as data.
 * @throws TaskFailure for arguments that are wrong, an answer that does not come, is too large, or has a status that is a
 * failure
 */
export const httpFunction: ExpressionFunction = async (args, context) => {
  const properties = propertiesOf(args);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const answer = await sendRequest(properties, { ...context, signal }, inMemory(ANSWER_BYTES_MAX)).catch(
    (error: unknown) => {
      if (signal.aborted && !context.signal.aborted) {
        throw new TaskFailure(`http() waits at most ${TIMEOUT_MS / 1_000} s for an answer: send the request by a task`);
      }
      throw error;
    },
  );
  const contentType = answer.headers['content-type']?.[0];
  const text = decoded(answer.body, contentType, properties.options?.defaultCharset ?? 'UTF-8');
  if (!isAccepted(answer.code, properties.options)) throw new TaskFailure(refusal(answer, text));
  return dataOf(text, contentType ?? '', answer.url.host);
};

function propertiesOf(args: Readonly<Record<string, unknown>>): RequestProperties {
  const { uri, method, query, body, contentType, headers, options, accept } = args;
  const given = Object.entries({
    uri,
    method,
    params: query,
    contentType,
    headers: accept === undefined || accept === null ? headers : { accept, ...mapOf(headers) },
    options,
    ...bodyOf(body, contentType),
  });
  const known = Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
  const checked = checkProperties(requestTask, known);
  if (!checked.ok) throw new TaskFailure(`http(): ${checked.errors.join('. ')}`);
  // Checked by the schema of the task, whose properties these are.
  return checked.properties as unknown as RequestProperties;
}

const mapOf = (value: unknown): PlainObject => (isPlainObject(value) ? value : {});

/** A map is a form when the media type says so; every other value that is no text is sent as JSON. */
function bodyOf(body: unknown, contentType: unknown): PlainObject {
  if (body === undefined || body === null || typeof body === 'string') return { body };
  if (isPlainObject(body) && typeof contentType === 'string' && FORM.test(contentType)) return { formData: body };
  return { body: JSON.stringify(body) };
}

function dataOf(text: string, contentType: string, host: string): unknown {
  const isJson = /^[^;]*[/+]json\b/i.test(contentType);
  const isYaml = /^[^;]*[/+](?:x-)?yaml\b/i.test(contentType);
  if (text.trim() === '' || (!isJson && !isYaml)) return text;
  try {
    const data: unknown = isJson ? JSON.parse(text) : parse(text, { logLevel: 'error' });
    return data;
  } catch (error) {
    const kind = isJson ? 'JSON' : 'YAML';
    throw new TaskFailure(`The answer of ${host} says that it is ${kind}, and is not`, undefined, error);
  }
}
