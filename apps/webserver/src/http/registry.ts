import { Router, type NextFunction, type Request, type Response } from 'express';
import {
  decide,
  PERMISSIONS,
  permissionName,
  type Permission,
  type Scope,
  type Principal,
} from '@millrace/authorization';
import { HttpError, notFound, tenantNotFound } from './errors.js';
import { send } from './answer.js';
import { checkPathParameter, fitsPathParameter, isPathParameter } from './path-parameters.js';
import { parseQuery } from './query.js';
import type { Call, Route } from './route.js';
import { MAIN_TENANT } from './tenant-path.js';

const KNOWN = new Set(PERMISSIONS.map(permissionName));
const parametersOf = (path: string): readonly string[] => [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);

/**
 * Refuses routes that cannot be guarded.
 * @throws Error naming the route: no or an unknown permission, no namespace in the path, an unchecked parameter, twice
 */
export function checkRoutes(routes: readonly Route[]): void {
  const seen = new Set<string>();
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    const refuse = (why: string): never => {
      throw new Error(`The route ${name} ${why}`);
    };
    // A route made without the types' help may lack its access altogether.
    const access: Partial<Route['access']> | undefined = route.access;
    if (access?.kind === undefined) return refuse('declares neither a permission nor why it needs none');
    if (route.access.kind === 'permission') {
      const { permission, at } = route.access;
      if (!KNOWN.has(permissionName(permission)))
        refuse(`declares the unknown permission ${permissionName(permission)}`);
      if (at === 'path' && !parametersOf(route.path).includes('namespace')) refuse('has no namespace in its path');
      if (route.area !== 'tenant') refuse('needs a permission of a tenant, but is not below one');
    } else if (route.access.why.trim() === '') refuse('does not say why it needs no permission');
    const unchecked = parametersOf(route.path).find((parameter) => !isPathParameter(parameter));
    if (unchecked !== undefined) refuse(`has the parameter '${unchecked}', which has no pattern`);
    const place = `${route.area === 'root' ? '' : '/api/v1'} ${route.method} ${route.path.replaceAll(/:\w+/g, ':')}`;
    if (seen.has(place)) refuse('exists twice');
    seen.add(place);
  }
}

/** First segments of the API: reserved, so no tenant is called like one (spec security.md §4.1). */
export const reservedSegments = (routes: readonly Route[]): ReadonlySet<string> =>
  new Set(routes.filter(({ area }) => area !== 'root').map(({ path }) => path.split('/')[1] ?? ''));

export interface RegistryOptions {
  readonly routes: readonly Route[];
  /** The tenant that the URL names; see `splitTenant`. */
  readonly tenantOf: (request: Request) => string | undefined | null;
  /** @throws HttpError 401 */
  readonly principalOf: (request: Request) => Promise<Principal>;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
  /** Told of each answer, for the figures. */
  readonly onServed: (route: Route, status: number, elapsedMs: number) => void;
}

/** A router over the routes, each behind its permission. Errors go to `next`. */
export function createRegistry(options: RegistryOptions): Router {
  const { routes, principalOf, onServed } = options;
  checkRoutes(routes);
  const router = Router({ caseSensitive: true });
  const places = routes.map(placeOf);
  for (const [index, place] of places.entries()) {
    const { route } = place;
    const others = places.slice(index + 1).filter((other) => mayMean(place, other));
    const path = route.area === 'root' ? route.path : `/api/v1${route.path}`;
    const method = route.method.toLowerCase() as Lowercase<Route['method']>;
    router[method](path, (request: Request, response: Response, next: NextFunction) => {
      if (others.length > 0 && isOfAnother(place, others, request)) return next();
      const startedAt = performance.now();
      response.once('finish', () => onServed(route, response.statusCode, performance.now() - startedAt));
      serve(route, request, response, options).catch(next);
    });
  }
  router.use('/api', (request, _response, next) => {
    // Whoever is not logged in does not learn which routes there are.
    principalOf(request).then(() => next(notFound('No such route')), next);
  });
  return router;
}

/** A route and the segments of its path, split once. */
interface Place {
  readonly route: Route;
  readonly segments: readonly string[];
}

const placeOf = (route: Route): Place => ({ route, segments: route.path.split('/') });

/** True when one URL may be of both: a flow may be called like the last word of a route (`/executions/team/state`). */
const mayMean = (one: Place, other: Place): boolean =>
  one.route.method === other.route.method &&
  one.route.area === other.route.area &&
  one.segments.length === other.segments.length &&
  one.segments.every((segment, at) => {
    const beside = other.segments[at] ?? '';
    return segment === beside || segment.startsWith(':') || beside.startsWith(':');
  });

/** A URL that fits two routes means the later one when only its parameters, or only its kind of body, fit. */
function isOfAnother(place: Place, others: readonly Place[], request: Request): boolean {
  const path = request.path.replace(/^\/api\/v1/, '').split('/');
  const fitting = others.filter((other) => fits(other, path));
  if (fitting.length === 0 || !fits(place, path)) return fitting.length > 0;
  return request.is(FORM) === FORM && !isForm(place.route) && fitting.some(({ route }) => isForm(route));
}

const FORM = 'multipart/form-data';
const isForm = ({ body }: Route): boolean => body !== undefined && 'type' in body && body.type === FORM;

const fits = ({ segments }: Place, path: readonly string[]): boolean =>
  segments.every((segment, at) => {
    const given = path[at] ?? '';
    return segment.startsWith(':') ? fitsPathParameter(segment.slice(1), decoded(given)) : segment === given;
  });

/** What is no valid code of a character fits nothing. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}

async function serve(
  route: Route,
  request: Request,
  response: Response,
  { tenantOf, principalOf, stopping }: RegistryOptions,
): Promise<void> {
  const { access } = route;
  const tenantGiven = tenantOf(request);
  const principal = access.kind === 'anonymous' ? undefined : await principalOf(request);
  const tenant = tenantGiven === undefined ? MAIN_TENANT : tenantGiven;
  if (tenant === null || (route.area === 'instance' && tenantGiven !== undefined)) {
    throw principal ? tenantNotFound() : notFound('No such route');
  }
  const parameter = (name: string): string => {
    const value = request.params[name];
    return checkPathParameter(name, typeof value === 'string' ? value : undefined);
  };
  const permit = (permission: Permission, namespace?: string): Scope =>
    permitted(principal, permission, tenant, namespace);
  if (access.kind === 'super-admin' && principal?.superAdmin !== true) {
    throw new HttpError(403, 'You may not do this', {
      members: { code: 'forbidden', missing: [], hint: 'Needs a super admin, who manages the installation.' },
    });
  }
  let scope: Scope | undefined;
  if (access.kind === 'permission') {
    // First the tenant, without looking at anything else of the request.
    if (principal && !principal.tenants.includes(tenant)) throw tenantNotFound();
    scope = permit(access.permission, access.at === 'path' ? parameter('namespace') : undefined);
  }
  for (const name of parametersOf(route.path)) parameter(name);
  const call: Call = {
    request,
    response,
    tenant,
    ...(principal && { principal }),
    get scope() {
      if (!scope) throw new HttpError(500, `The route ${route.path} has no permission, so there is no scope`);
      return scope;
    },
    query: parseQuery(request.url),
    stopping,
    parameter,
    permit,
  };
  const answer = await route.handle(call);
  if (answer) send(response, answer);
}

function permitted(
  principal: Principal | undefined,
  permission: Permission,
  tenant: string,
  namespace?: string,
): Scope {
  if (!principal) throw new HttpError(500, 'An anonymous route asked for a permission');
  const decision = decide(principal, permission, tenant, namespace);
  if (decision.allowed) return decision.scope;
  if (decision.reason === 'tenant') throw tenantNotFound();
  const { missing, hint } = decision;
  throw new HttpError(403, 'You may not do this', { members: { code: 'forbidden', missing, hint } });
}
