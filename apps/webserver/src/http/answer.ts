import type { ServerResponse } from 'node:http';
import type { HttpError } from './errors.js';

/** What a handler answers; a handler that writes to the response itself answers nothing. */
export interface Answer {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; `type` is its content type. */
  readonly text?: string;
  readonly type?: string;
}

export const json = (value: unknown, status = 200): Answer => ({ status, json: value });
export const text = (value: string, type = 'text/plain; charset=utf-8'): Answer => ({ text: value, type });
export const NO_CONTENT: Answer = { status: 204 };

export function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const body = answer.json === undefined ? answer.text : JSON.stringify(answer.json);
  response.statusCode = answer.status ?? 200;
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (body === undefined) {
    response.end();
    return;
  }
  response.setHeader(
    'Content-Type',
    answer.json === undefined ? (answer.type ?? 'text/plain; charset=utf-8') : 'application/json; charset=utf-8',
  );
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}

/** The body of a refusal (spec rest-api.md §1, errors). */
export const errorAnswer = (error: HttpError, href: string): Answer => ({
  status: error.status,
  headers: error.headers,
  json: {
    message: error.message,
    ...error.members,
    _links: { self: { href, templated: false } },
    _embedded: {
      errors:
        error.faults.length > 0
          ? error.faults.map(({ message, path = '', ...place }) => ({ message, path, ...place }))
          : [{ message: error.message, path: '' }],
    },
  },
});
