import { taskTree } from '@millrace/flow';
import type { Flow, TaskTypeCatalog } from '@millrace/model';

const known = new WeakMap<TaskTypeCatalog, WeakMap<Flow, string | null>>();

/**
 * Why a stored flow cannot run with the plugins of this installation, as one sentence; undefined when it can. It was valid
 * when it was saved, so only task types can be missing that were there then. Each revision is looked at once.
 */
export function flowFault(flow: Flow, catalog: TaskTypeCatalog): string | undefined {
  const faults = known.get(catalog) ?? new WeakMap<Flow, string | null>();
  known.set(catalog, faults);
  const before = faults.get(flow);
  if (before !== undefined) return before ?? undefined;
  const missing = taskTree(flow.definition, catalog).find(({ description }) => description === undefined);
  const fault =
    missing === undefined
      ? null
      : `The task '${missing.task.id}' has the type '${missing.task.type}', which is not installed any more: install its plugin, or change the flow`;
  faults.set(flow, fault);
  return fault ?? undefined;
}
