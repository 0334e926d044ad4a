import { isPlainObject } from '@millrace/model';

/** What follows from the dependencies of a Dag, worked out once for each revision. Tasks are named by their place. */
export interface DagPlan {
  /** By place: the tasks that wait for it. */
  readonly dependents: readonly (readonly number[])[];
  /** By place: for how many tasks it waits. */
  readonly needs: readonly number[];
  /** Tasks that wait for none. */
  readonly roots: readonly number[];
  readonly placeOf: ReadonlyMap<string, number>;
  /** Why it cannot run. */
  readonly fault?: string;
}

/**
 * Plans the Dag `id` with the entries `written` (`{ task, dependsOn }`) of which the tasks `enabled` are left. A task that
 * depends on a disabled one depends on what that one depends on.
 */
export function planDag(id: string, written: unknown, enabled: readonly { readonly id: string }[]): DagPlan {
  const placeOf = new Map(enabled.map((task, place) => [task.id, place]));
  const dependsOn = readDependencies(written);
  const dependents = enabled.map((): number[] => []);
  const needs = enabled.map(() => 0);
  const plan = { dependents, needs, placeOf };
  for (const [place, task] of enabled.entries()) {
    const direct = new Set<number>();
    const visited = new Set<string>();
    const waiting = [...(dependsOn.get(task.id) ?? [])];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (visited.has(name)) continue;
      visited.add(name);
      const at = placeOf.get(name);
      if (at !== undefined) direct.add(at);
      else if (dependsOn.has(name)) waiting.push(...(dependsOn.get(name) ?? []));
      else return { ...plan, roots: [], fault: `Task '${task.id}' depends on '${name}', which is no task of '${id}'` };
    }
    needs[place] = direct.size;
    for (const dependency of direct) dependents[dependency]?.push(place);
  }
  const roots = [...needs.keys()].filter((place) => needs[place] === 0);
  const stuck = firstOfCycle(roots, dependents, needs);
  const fault = stuck === undefined ? undefined : `The tasks of '${id}' depend on each other in a circle`;
  return { ...plan, roots, ...(fault === undefined ? {} : { fault }) };
}

function readDependencies(written: unknown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const entry of Array.isArray(written) ? written : []) {
    if (!isPlainObject(entry) || !isPlainObject(entry['task'])) continue;
    const { dependsOn } = entry;
    const ids: readonly unknown[] = Array.isArray(dependsOn) ? dependsOn : [];
    found.set(
      String(entry['task']['id']),
      ids.filter((id) => typeof id === 'string'),
    );
  }
  return found;
}

/** A task that could never start, if there is one. */
function firstOfCycle(
  roots: readonly number[],
  dependents: readonly (readonly number[])[],
  needs: readonly number[],
): number | undefined {
  const left = [...needs];
  const ready = [...roots];
  for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
    for (const dependent of dependents[place] ?? []) {
      left[dependent] = (left[dependent] ?? 0) - 1;
      if (left[dependent] === 0) ready.push(dependent);
    }
  }
  const stuck = left.findIndex((count) => count > 0);
  return stuck < 0 ? undefined : stuck;
}
