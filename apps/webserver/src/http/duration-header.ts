import type { IncomingMessage } from 'node:http';
import { parseDuration } from '@millrace/model';
import { unprocessable } from './errors.js';

/** Milliseconds of a header that holds an ISO-8601 duration; undefined without it. @throws HttpError 422 */
export function durationHeader(request: IncomingMessage, name: string): number | undefined {
  const written = request.headers[name];
  if (written === undefined || written === '') return undefined;
  const milliseconds = typeof written === 'string' ? parseDuration(written.trim()) : undefined;
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  throw unprocessable(`The header '${name}' must be a duration such as PT5M, but is '${String(written).slice(0, 80)}'`);
}
