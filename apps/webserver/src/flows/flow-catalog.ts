import type { Scope } from '@millrace/authorization';
import { flowKey, keyParts, LATEST, revisionId, type Clock, type Flow, type Resource } from '@millrace/model';
import type { View } from '@millrace/queue';
import { withinReason } from '../executions/within-reason.js';
import { coalesceRefreshes } from '@millrace/resources';

/** How long a request waits for this server's copy to show a change that was confirmed. */
const SEEN_TIMEOUT_MS = 10_000;

/** The flows of every tenant, read from the view in memory. What a scope does not cover is not there. */
export interface FlowCatalog {
  /** The newest revision; undefined when there is none or it was deleted, unless `deleted` asks for it. */
  latest(scope: Scope, namespace: string, id: string, options?: { readonly deleted: boolean }): Flow | undefined;
  revision(scope: Scope, namespace: string, id: string, revision: number): Flow | undefined;
  /** Oldest first. */
  revisions(scope: Scope, namespace: string, id: string): readonly Flow[];
  /** The newest revisions, without deleted flows; by namespace, then id. */
  all(scope: Scope): readonly Flow[];
  /** Resolves when this server sees the revision, so that reading after writing gives what was written. */
  seen(flow: Flow): Promise<boolean>;
  /**
   * Resolves when this server sees what was changed before the call through any other one, or after a second or two: before a
   * flow is said not to exist, and before one is started, for the client may have saved it elsewhere just now.
   */
  refresh(): Promise<void>;
  close(): void;
}

const flowOf = (resource: Resource | undefined): Flow | undefined =>
  resource?.kind === 'flow' ? resource.flow : undefined;

export function createFlowCatalog(resources: View<Resource>, clock: Clock): FlowCatalog {
  // Keys of flows by tenant, so that lists do not walk over the resources of others.
  const keys = new Map<string, Set<string>>();
  const add = (key: string): void => {
    const [tenant = '', kind] = keyParts(key);
    if (kind !== 'flow') return;
    const known = keys.get(tenant) ?? new Set();
    keys.set(tenant, known.add(key));
  };
  const stop = resources.onChange(({ key }) => add(key));
  for (const key of resources.keys()) add(key);

  // Each has its limit, so that one that got stuck does not keep those after it waiting.
  const refresh = coalesceRefreshes(() => withinReason(clock, resources.refresh()));
  const covered = (scope: Scope, flow: Flow | undefined): Flow | undefined =>
    flow && flow.tenant === scope.tenant && scope.covers(flow.namespace) ? flow : undefined;

  return {
    latest(scope, namespace, id, options) {
      const flow = covered(scope, flowOf(resources.get(flowKey(scope.tenant, namespace, id), LATEST)));
      return flow?.deleted && !options?.deleted ? undefined : flow;
    },
    revision: (scope, namespace, id, revision) =>
      covered(scope, flowOf(resources.get(flowKey(scope.tenant, namespace, id), revisionId(revision)))),
    revisions: (scope, namespace, id) =>
      [...resources.records(flowKey(scope.tenant, namespace, id))]
        .flatMap(([recordId, resource]) => (recordId === LATEST ? [] : (covered(scope, flowOf(resource)) ?? [])))
        .sort((one, other) => one.revision - other.revision),
    all: (scope) =>
      [...(keys.get(scope.tenant) ?? [])]
        .flatMap((key) => {
          const flow = covered(scope, flowOf(resources.get(key, LATEST)));
          return flow && !flow.deleted ? [flow] : [];
        })
        .sort((one, other) => compare(one.namespace, other.namespace) || compare(one.id, other.id)),
    seen: (flow) => {
      const key = flowKey(flow.tenant, flow.namespace, flow.id);
      const isSeen = (): boolean => (flowOf(resources.get(key, LATEST))?.revision ?? 0) >= flow.revision;
      return resources.waitFor(isSeen, SEEN_TIMEOUT_MS);
    },
    refresh,
    close: stop,
  };
}

/** Byte order, as namespaces are compared everywhere. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
