import type { Request, Response } from 'express';
import type { Permission, Principal, Scope } from '@millrace/authorization';
import type { Answer } from './answer.js';
import type { JsonBody } from './body.js';
import type { Query } from './query.js';

/**
 * Where the namespace of a request is found: `path`: in the URL, decided before anything is looked up; `body`: in what
 * is sent, decided by the handler with `call.permit`; `entity`, `filter`, `each`: the granted scope filters what is
 * found; `tenant`: there is none.
 */
export type PermissionPlace = 'path' | 'body' | 'entity' | 'filter' | 'each' | 'tenant';

/** Who may call a route. */
export type Access =
  | { readonly kind: 'permission'; readonly permission: Permission; readonly at: PermissionPlace }
  /** Everybody who is logged in, for what concerns only themselves. */
  | { readonly kind: 'self'; readonly why: string }
  /** Who manages the installation (spec security.md §3.1). */
  | { readonly kind: 'super-admin'; readonly why: string }
  /** Everybody. The list is closed and tested. */
  | { readonly kind: 'anonymous'; readonly why: string };

export const permission = (
  resource: Permission['resource'],
  action: Permission['action'],
  at: PermissionPlace,
  // The pair is checked against the table of permissions when the server starts.
): Access => ({ kind: 'permission', permission: { resource, action } as Permission, at });
export const self = (why: string): Access => ({ kind: 'self', why });
export const superAdmin = (why: string): Access => ({ kind: 'super-admin', why });
export const anonymous = (why: string): Access => ({ kind: 'anonymous', why });

/** What is answered also while the server starts. */
export const HEALTH_PATHS: ReadonlySet<string> = new Set(['/ping', '/health', '/health/live', '/health/ready']);

/** One request at its handler: authenticated, authorised, its path parameters checked. */
export interface Call {
  readonly request: Request;
  readonly response: Response;
  readonly tenant: string;
  /** Absent on anonymous routes. */
  readonly principal?: Principal;
  /** What the route's permission grants; only on routes with a permission. */
  readonly scope: Scope;
  readonly query: Query;
  /** Aborted when the server stops: streams end then. */
  readonly stopping: AbortSignal;
  /** A parameter of the path, decoded and checked against the pattern of its name. */
  parameter(name: string): string;
  /** @throws HttpError 403 with what is missing, 404 when the tenant is not the caller's */
  permit(permission: Permission, namespace?: string): Scope;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1/{tenant}` (`tenant`), `/api/v1` (`instance`), or both (`any`), or from the root (`root`). */
  readonly area: 'tenant' | 'instance' | 'any' | 'root';
  /** In Express's words: `/flows/:namespace/:id`. */
  readonly path: string;
  readonly access: Access;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  /** What it reads; for the OpenAPI document, and `schema` for the check. */
  readonly body?: JsonBody<unknown> | { readonly type: string };
  /** Names of query parameters, for the OpenAPI document. */
  readonly parameters?: readonly string[];
  handle(call: Call): Promise<Answer | void> | Answer | void;
}
