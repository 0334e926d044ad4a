import { isPlainObject, nearestName, type PlainObject } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { quoted } from '../words.js';

interface Entry {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly path: Path;
}

/** The dependencies of a Dag: each names a task of it, and they lead in no circle. */
export function checkDag({ value, path, description }: WrittenTask, report: Report): void {
  if (description?.type !== 'core.flow.Dag') return;
  const entries = entriesOf(value, path);
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  let allKnown = true;
  for (const entry of entries) {
    for (const [index, id] of entry.dependsOn.entries()) {
      if (byId.has(id)) continue;
      allKnown = false;
      const near = nearestName(id, byId.keys());
      const advice = near === undefined ? 'name a task of this Dag' : `did you mean '${near}'?`;
      report.fault(
        [...entry.path, 'dependsOn', index],
        `The task ${quoted(entry.id)} depends on ${quoted(id)}, which is no task of this Dag: ${advice}`,
        { suggestion: near },
      );
    }
  }
  const cycle = allKnown ? cycleIn(entries, byId) : undefined;
  if (cycle === undefined) return;
  const [first] = cycle;
  report.fault(
    [...(byId.get(first ?? '')?.path ?? path), 'dependsOn'],
    `The tasks ${cycle.map(quoted).join(' → ')} depend on each other in a circle, so none of them could start: remove one of these dependencies.`,
  );
}

function entriesOf(value: PlainObject, path: Path): readonly Entry[] {
  const { tasks } = value;
  return (Array.isArray(tasks) ? tasks : []).flatMap((entry: unknown, index): Entry[] => {
    const task = isPlainObject(entry) ? entry['task'] : undefined;
    const id = isPlainObject(task) ? task['id'] : undefined;
    if (!isPlainObject(entry) || typeof id !== 'string') return [];
    const { dependsOn } = entry;
    const names: readonly unknown[] = Array.isArray(dependsOn) ? dependsOn : [];
    return [{ id, dependsOn: names.filter((name) => typeof name === 'string'), path: [...path, 'tasks', index] }];
  });
}

/** A circle of tasks, the first one again at the end; each depends on the one before it. */
function cycleIn(entries: readonly Entry[], byId: ReadonlyMap<string, Entry>): readonly string[] | undefined {
  const left = new Map(entries.map(({ id, dependsOn }) => [id, new Set(dependsOn).size]));
  const dependents = new Map<string, string[]>();
  for (const { id, dependsOn } of entries) {
    for (const name of new Set(dependsOn)) {
      const waiting = dependents.get(name);
      if (waiting) waiting.push(id);
      else dependents.set(name, [id]);
    }
  }
  const ready = entries.filter(({ dependsOn }) => dependsOn.length === 0).map(({ id }) => id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    left.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const count = (left.get(dependent) ?? 0) - 1;
      left.set(dependent, count);
      if (count === 0) ready.push(dependent);
    }
  }
  return walkBack(left, byId);
}

/** From any task that never becomes ready back along what it waits for, until one comes again. */
function walkBack(stuck: ReadonlyMap<string, number>, byId: ReadonlyMap<string, Entry>): readonly string[] | undefined {
  const walked: string[] = [];
  const places = new Map<string, number>();
  let [at] = stuck.keys();
  while (at !== undefined) {
    const before = places.get(at);
    if (before !== undefined) return [...walked.slice(before), at].reverse();
    places.set(at, walked.length);
    walked.push(at);
    at = byId.get(at)?.dependsOn.find((name) => stuck.has(name));
  }
  return undefined;
}
