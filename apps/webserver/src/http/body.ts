import type { IncomingMessage } from 'node:http';
import { Ajv, type ErrorObject } from 'ajv';
import type { Clock } from '@millrace/model';
import { HttpError, unprocessable } from './errors.js';
import { checkJsonNesting } from './nesting.js';

/** Largest bodies, in bytes. */
export const BODY_LIMITS = { json: 1024 * 1024, flow: 1024 * 1024, webhook: 512 * 1024 } as const;

/** Content types of YAML. */
export const YAML_TYPES = ['application/x-yaml', 'application/yaml', 'text/yaml', 'text/x-yaml'];

/** The content type without parameters, in lower case; '' when there is none. */
export const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/**
 * A body of UTF-8 text, read to its end.
 * @throws HttpError 413 above the limit, 415 when it is compressed or of another type, 422 when it is not UTF-8
 */
export async function readText(request: IncomingMessage, types: readonly string[], maxBytes: number): Promise<string> {
  const type = mediaType(request);
  if (!types.includes(type))
    throw new HttpError(415, `The content type must be ${types.join(' or ')}, but is '${type.slice(0, 80)}'`);
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new HttpError(415, 'Compressed bodies are not accepted');
  const bytes = await readBytes(request, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpError(422, 'The body is not valid UTF-8', { cause: error });
  }
}

/**
 * A body of any type as text; '' when there is none.
 * @throws HttpError 413 above the limit, 415 when it is compressed, 422 when it is not UTF-8
 */
export const readAnyText = (request: IncomingMessage, maxBytes: number): Promise<string> =>
  readText(request, [mediaType(request)], maxBytes);

const tooLarge = (maxBytes: number): HttpError => new HttpError(413, `The body is larger than ${maxBytes} bytes`);

function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge(maxBytes));
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    const cutOff = (cause?: unknown): void => reject(new HttpError(400, 'The body ended too early', { cause }));
    request.once('error', cutOff);
    request.once('close', () => cutOff());
    if (request.destroyed) cutOff();
  });
}

/** How long a stranger may take to send a body. */
export const STRANGERS_BODY_MS = 30_000;

/**
 * What `reading` gives, for bodies of whoever is not logged in: they must not keep connections open for nothing.
 * @throws HttpError 408 after `STRANGERS_BODY_MS`
 */
export function inTime<Value>(reading: Promise<Value>, clock: Clock): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(STRANGERS_BODY_MS, () => reject(new HttpError(408, 'The body took too long to arrive')));
    reading.then(resolve, reject).finally(stop);
  });
}

/** The YAML text of flows. @throws HttpError 413, 415 */
export const readYaml = (request: IncomingMessage): Promise<string> => readText(request, YAML_TYPES, BODY_LIMITS.flow);

const ajv = new Ajv({ allErrors: true, strict: true });

/** A JSON body with a schema: checked when it is read, shown in the OpenAPI document. */
export interface JsonBody<Value> {
  readonly schema: object;
  /** @throws HttpError 413, 415, 422 with every fault */
  read(request: IncomingMessage): Promise<Value>;
  /** @throws HttpError 422 with every fault */
  check(value: unknown): Value;
}

/** `Value` is what `schema` describes. */
export function jsonBody<Value>(schema: object): JsonBody<Value> {
  const validate = ajv.compile<Value>(schema);
  const check = (value: unknown): Value => {
    if (validate(value)) return value;
    const faults = (validate.errors ?? []).slice(0, 20).map(faultOf);
    throw unprocessable(
      `The body is not valid: ${faults.map(({ message, path }) => `${path || 'it'} ${message}`).join('; ')}`,
      faults,
    );
  };
  return {
    schema,
    check,
    read: async (request) => check(parseJson(await readText(request, ['application/json'], BODY_LIMITS.json))),
  };
}

/** @throws HttpError 422 when the text is no JSON or nested too deeply */
export function parseJson(text: string): unknown {
  checkJsonNesting(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(422, 'The body is not valid JSON', { cause: error });
  }
}

const faultOf = (error: ErrorObject): { message: string; path: string } => ({
  message: error.message ?? 'is not valid',
  path: error.instancePath.slice(1).replaceAll('/', '.'),
});
