import { QueueError } from '@millrace/queue';
import { RepositoryError } from '@millrace/repository';
import { ResourceRefusedError } from '@millrace/resources';
import { StorageError } from '@millrace/storage';

/** One fault of a request, as `_embedded.errors` lists it. */
export interface RequestFault {
  readonly message: string;
  readonly path?: string;
  /** Of a flow's source, both from 1. */
  readonly line?: number;
  readonly column?: number;
}

/** A refusal or failure with the status that the caller gets; the message is for the caller. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly faults: readonly RequestFault[];
  /** Further members of the body, such as `code` and `missing`. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    message: string,
    rest: {
      readonly faults?: readonly RequestFault[];
      readonly members?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: rest.cause });
    this.faults = rest.faults ?? [];
    this.members = rest.members ?? {};
    this.headers = rest.headers ?? {};
  }
}

export const notFound = (message: string): HttpError => new HttpError(404, message);
export const unprocessable = (message: string, faults: readonly RequestFault[] = []): HttpError =>
  new HttpError(422, message, { faults });

/** The same answer for an unknown tenant and for one that the caller may not enter. */
export const tenantNotFound = (): HttpError => notFound('tenant not found');

const RETRY_SOON = { 'Retry-After': '1' };

/** Before the end of the start, and after the stop. */
export const notServing = (): HttpError =>
  new HttpError(503, 'The server is starting or stopping; ask again', {
    members: { code: 'starting' },
    headers: RETRY_SOON,
  });

const REFUSED_STATUS = { exists: 422, unknown: 404, conflict: 409, invalid: 422 } as const;
const UNANSWERED = {
  BUSY: 'Too many searches are waiting; ask again later',
  UNAVAILABLE: 'The index or database that this is read from cannot be reached now; ask again',
} as const;
const STORAGE_STATUS = { NOT_FOUND: 404, INVALID_URI: 422, UNAVAILABLE: 503, TOO_LARGE: 413 } as const;

/**
 * The answer that an error becomes. Errors of the ports have their status; what nobody expected is undefined: the
 * caller of this logs it and answers 500 without any detail.
 */
export function asHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof ResourceRefusedError) return new HttpError(REFUSED_STATUS[error.reason], error.message);
  if (error instanceof RepositoryError) {
    if (error.code === 'INVALID_QUERY') return unprocessable(error.message);
    return new HttpError(503, UNANSWERED[error.code], { headers: RETRY_SOON, cause: error });
  }
  if (error instanceof StorageError) {
    if (error.code === 'UNAVAILABLE')
      return new HttpError(503, 'Internal storage cannot be reached; ask again', { headers: RETRY_SOON, cause: error });
    return new HttpError(STORAGE_STATUS[error.code], error.message, { cause: error });
  }
  if (error instanceof QueueError) {
    if (error.code === 'QUEUE_TOO_LARGE')
      return new HttpError(413, 'What was sent is too large to be stored', { cause: error });
    return new HttpError(503, 'The queue cannot be reached; nothing was changed, ask again', {
      headers: RETRY_SOON,
      cause: error,
    });
  }
  // What decodes a path meets a malformed percent encoding.
  if (error instanceof URIError) return new HttpError(400, 'The path has a malformed percent encoding');
  return undefined;
}
