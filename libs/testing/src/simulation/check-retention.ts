import { isTerminal, type ExecutionHead, type ExecutionRecord } from '@millrace/model';
import type { Cluster } from './cluster.js';
import type { ExecutionRecords } from './history.js';
import type { SimulatedIndex } from './index-node.js';
import type { Later } from './later.js';
import type { Observer } from './observer.js';

/** So long after its time an execution may still be there, once nothing is disturbed: the index lags by 30 s. */
export const LEAVES_WITHIN_MS = 60_000;

/**
 * Watches what leaves and what comes back (decision 0017): nothing that the index has not, nothing early, nothing that is
 * not asked for; what comes back is what left.
 */
export function watchRetention(cluster: Cluster, observer: Observer, index: SimulatedIndex, later: Later): void {
  const { clock, scenario, violation } = cluster;
  const { history } = observer;
  const changedAt = new Map<string, number>();
  const left = new Map<string, ExecutionRecords>();
  const ended = new Set<string>();
  history.executions.onChange(({ key, value }) => {
    if (value === null) return;
    changedAt.set(key, clock.now());
    if (value.kind !== 'head') return;
    if (hasEnded(value)) ended.add(key);
    else if (ended.delete(key) && !later.touched.has(key) && !wasAsked(observer, key))
      violation(`${key} had ended and is ${value.state} again`);
  });
  history.onLeave((key) => {
    cluster.disturbances.left++;
    cluster.trace.line(`${key} leaves`);
    const records = history.recordsOf(key);
    left.set(key, records);
    const head = history.head(key);
    if (head === undefined || !hasEnded(head)) violation(`${key} left, though it is ${head?.state ?? 'nothing'}`);
    const after = clock.now() - (changedAt.get(key) ?? 0);
    if (after < (scenario.retention?.afterMs ?? Infinity)) violation(`${key} left ${after} ms after its end`);
    const missing = differences(records, index.found.recordsOf(key));
    if (missing.length > 0) violation(`${key} left before the index had ${missing.join(', ')}`);
  });
  history.onReturn((key) => {
    cluster.disturbances.returned++;
    cluster.trace.line(`${key} comes back`);
    if (!later.sent.has(key)) violation(`${key} had left, and began anew`);
    const before = left.get(key);
    if (before === undefined) return;
    const [then, now] = [headIn(before), history.head(key)];
    // What a restart or a deletion does to the records is told by the other checks.
    if (now?.deleted === true || (now?.restarts ?? 0) !== (then?.restarts ?? 0) || !now || !hasEnded(now)) return;
    // Its other records come in the same commit, after the head.
    clock.after(0, () => {
      const other = differences(before, history.recordsOf(key)).filter((id) => id !== 'head');
      if (history.head(key)?.revision === now.revision && other.length > 0)
        violation(`${key} came back with other records: ${other.join(', ')}`);
    });
  });
}

/** A task run that started it may restart it too. */
const wasAsked = ({ events }: Observer, key: string): boolean =>
  events.get(key)?.some(({ kind }) => kind === 'operation-requested') === true;

const hasEnded = ({ state, progress, timers }: ExecutionHead): boolean =>
  isTerminal(state) && progress.section === 'ended' && timers === undefined;

const headIn = (records: ReadonlyMap<string, ExecutionRecord>): ExecutionHead | undefined => {
  const head = records.get('head');
  return head?.kind === 'head' ? head : undefined;
};

/** Ids of records that are not the same in both. */
function differences(one: ExecutionRecords, other: ExecutionRecords): string[] {
  const ids = new Set([...one.keys(), ...other.keys()]);
  return [...ids].filter((id) => JSON.stringify(one.get(id)) !== JSON.stringify(other.get(id)));
}

/** When all is over: what was asked for is true, all has left, and searches find what there was. */
export function checkRetention(
  { scenario }: Cluster,
  observer: Observer,
  index: SimulatedIndex,
  later: Later,
): string[] {
  if (scenario.retention === undefined) return [];
  index.catchUp();
  const { history } = observer;
  const found: string[] = [];
  for (const key of history.executions.keys()) {
    const head = history.head(key);
    if (!history.hasLeft(key)) found.push(`${key} has not left the queue, though it is ${head?.state ?? 'nothing'}`);
    const other = differences(history.recordsOf(key), index.found.recordsOf(key));
    if (other.length > 0) found.push(`Searches find something else of ${key}: ${other.join(', ')}`);
  }
  for (const key of later.deleted) {
    if (history.head(key)?.deleted !== true) found.push(`${key} was deleted, and is there`);
  }
  for (const [key, value] of later.labelled) {
    const head = history.head(key);
    if (head?.deleted !== true && head?.labels.find((label) => label.key === 'later')?.value !== value)
      found.push(`${key} has not the label that it was given`);
  }
  return found;
}
