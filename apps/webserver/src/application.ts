import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import type { Principal } from '@millrace/authorization';
import type { Clock } from '@millrace/model';
import type { Logger, Metrics } from '@millrace/service';
import { errorAnswer, send } from './http/answer.js';
import { discardBody } from './http/discard.js';
import { asHttpError, HttpError, notFound, notServing } from './http/errors.js';
import { securityHeaders } from './http/headers.js';
import { createRegistry, reservedSegments } from './http/registry.js';
import { HEALTH_PATHS, type Route } from './http/route.js';
import { splitTenant } from './http/tenant-path.js';

export interface ApplicationOptions {
  readonly routes: readonly Route[];
  readonly principalOf: (request: Request) => Promise<Principal>;
  /** False until requests can be served; those about the health of the server always can. */
  readonly isStarted: () => boolean;
  readonly stopping: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** The Express application: headers, the tenant's segment, the routes, errors. No route is outside the registry. */
export function createApplication(options: ApplicationOptions): Express {
  const { routes, principalOf, isStarted, stopping, log, clock, metrics } = options;
  const reserved = reservedSegments(routes);
  const tenants = new WeakMap<object, string | null>();
  const served = metrics.histogram('http_request_duration_seconds', 'Time from a request to its answer', [
    'method',
    'route',
    'status',
  ]);
  const application = express();
  application.disable('x-powered-by');
  application.disable('etag');
  application.enable('case sensitive routing');
  application.set('query parser', 'simple');
  for (const handler of securityHeaders()) application.use(handler);
  application.use((request, _response, next) => {
    if (isStarted() || HEALTH_PATHS.has(request.path)) next();
    else next(notServing());
  });
  application.use((request, _response, next) => {
    const { tenant, url } = splitTenant(request.url, reserved);
    if (tenant !== undefined) tenants.set(request, tenant);
    request.url = url;
    next();
  });
  application.use(
    createRegistry({
      routes,
      principalOf,
      stopping,
      tenantOf: (request) => tenants.get(request),
      onServed: ({ method, path }, status, elapsedMs) =>
        served(elapsedMs / 1_000, { method, route: path, status: String(status) }),
    }),
  );
  application.use((_request, _response, next) => next(notFound('No such page')));
  application.use(errorHandler(log, clock));
  return application;
}

/** Turns every error into an answer with a JSON body; what nobody expected is logged and told nobody. */
function errorHandler(log: Logger, clock: Clock): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const known = asHttpError(error) ?? statusOfFramework(error);
    // A client that went away in the middle of an answer is no failure of the server.
    if (!known && response.destroyed) return;
    const shown = known && known.status < 500 ? known : reported(known, error, request, log);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    discardBody(request, clock).then(
      (complete) => {
        if (!complete) response.setHeader('Connection', 'close');
        send(response, errorAnswer(shown, request.originalUrl));
      },
      (failure: unknown) => {
        log.error({ err: failure }, 'A refusal could not be sent');
        response.destroy();
      },
    );
  };
}

/** Writes a failure of the server to its log; the answer carries only the id under which it is found there. */
function reported(known: HttpError | undefined, error: unknown, request: Request, log: Logger): HttpError {
  const requestId = randomUUID();
  const fields = { requestId, method: request.method, path: request.path };
  if (!known) {
    log.error({ ...fields, err: error }, 'A request failed');
    return new HttpError(500, 'The server failed to answer', { members: { requestId } });
  }
  // Where it was noticed says nothing of a server that is away, and there may be many such requests.
  const reason = known.cause instanceof Error ? known.cause.message : known.message;
  log.warn({ ...fields, status: known.status, reason }, 'A request could not be served');
  return new HttpError(known.status, known.message, {
    members: { ...known.members, requestId },
    headers: known.headers,
  });
}

/** Express marks what is wrong with a request by a status below 500. */
function statusOfFramework(error: unknown): HttpError | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500
    ? new HttpError(status, 'The request is malformed')
    : undefined;
}
