import { parseFlow, type Fault, type FindFlow, type ParsedFlow, type ParseOptions } from '@millrace/flow';
import { flowKey, type Flow, type FlowSource } from '@millrace/model';
import type { Scope } from '@millrace/authorization';
import { HttpError, unprocessable } from '../http/errors.js';
import type { RouteServices } from '../routes/services.js';
import { resourceOf } from './commands.js';

/** A flow that was accepted, with its text. */
export interface AcceptedFlow {
  readonly source: string;
  readonly definition: FlowSource;
}

/**
 * What flows are checked with.
 *
 * @param scope flows that may be named in warnings about subflows, and worker groups; without it none are looked up
 */
export function parseOptions(services: RouteServices, scope?: Scope): ParseOptions {
  const { taskTypes, configuration } = services;
  const findFlow: FindFlow = (namespace, id) => {
    const flow = scope && services.running().flows.latest(scope, namespace, id);
    return flow === undefined ? 'unknown' : flow.definition.disabled === true ? 'disabled' : 'enabled';
  };
  return {
    catalog: taskTypes.catalog,
    ...(configuration.pluginDefaults && { pluginDefaults: [configuration.pluginDefaults] }),
    ...(scope && { findFlow, workerGroups: services.running().workerGroups.allowedFor(scope.tenant) }),
  };
}

/**
 * Before a text is checked: resolves when this server sees the worker groups that others have registered. A text that names
 * none is not kept waiting.
 */
export async function seeWorkerGroups({ running }: RouteServices, ...sources: readonly string[]): Promise<void> {
  if (sources.some((source) => source.includes('workerGroup'))) await running().flows.refresh();
}

/** Checks the text of one flow; `seeWorkerGroups` comes first. @throws HttpError 422 with all faults */
export function acceptedFlow(services: RouteServices, scope: Scope, source: string): AcceptedFlow {
  return { source, definition: accepted(parseFlow(source, parseOptions(services, scope))) };
}

/** The definition of a flow without faults. @throws HttpError 422 with all faults */
export function accepted(parsed: ParsedFlow): FlowSource {
  if (parsed.definition) return parsed.definition;
  throw unprocessable(
    faultsText(parsed.faults),
    parsed.faults.map(({ message, path, line, column }) => ({ message, path, line, column })),
  );
}

const FAULTS_SHOWN = 20;

/** All faults in one text, one a line; the list beside it has all of them. */
export function faultsText(faults: readonly Fault[], what = 'The flow'): string {
  const shown = faults
    .slice(0, FAULTS_SHOWN)
    .map(({ path, message, line, column }) => `${line}:${column} ${path === '' ? '' : `${path}: `}${message}`);
  const rest = faults.length > FAULTS_SHOWN ? [`… and ${faults.length - FAULTS_SHOWN} more`] : [];
  return [`${what} is not valid:`, ...shown, ...rest].join('\n');
}

/** The revision is the server's to give: a line that names it is no part of what was written. */
const withoutRevision = (source: string): string => source.replace(/^revision:[^\n]*(\n|$)/m, '');

/**
 * Saves a flow; resolves when this server sees it.
 * @throws HttpError 404, 409, 422, 504
 */
export async function saveFlow(
  services: RouteServices,
  tenant: string,
  mode: 'create' | 'update' | 'save',
  { source, definition }: AcceptedFlow,
): Promise<Flow> {
  const { flows, commands } = services.running();
  const { namespace, id } = definition;
  const flow = { tenant, namespace, id, source: withoutRevision(source), definition };
  const { resource } = resourceOf(
    await commands.send(flowKey(tenant, namespace, id), { kind: 'save-flow', mode, flow }),
  );
  if (resource.kind !== 'flow') throw new HttpError(500, 'The owner of the flow answered with something else');
  await waitUntilSeen(flows.seen(resource.flow));
  return resource.flow;
}

/** Deletes a flow; resolves when this server sees that it is gone. @throws HttpError 404, 504 */
export async function removeFlow(
  services: RouteServices,
  tenant: string,
  namespace: string,
  id: string,
): Promise<void> {
  const { flows, commands } = services.running();
  const change = { kind: 'delete-flow', tenant, namespace, id } as const;
  const { resource } = resourceOf(await commands.send(flowKey(tenant, namespace, id), change));
  if (resource.kind === 'flow') await waitUntilSeen(flows.seen(resource.flow));
}

async function waitUntilSeen(seen: Promise<boolean>): Promise<void> {
  if (!(await seen))
    throw new HttpError(504, 'The flow is saved, but this server does not see it yet: look again later');
}

/** Flows that are changed at the same time by one request. */
const AT_ONCE = 16;

/** Does something with each item, some at a time; answers in the order of the items. Stops at the first failure. */
export async function forEachOf<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(act))));
  }
  return results;
}
