import { isPlainObject, nearestName } from '@millrace/model';
import type { Path } from '../fault.js';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { quoted } from '../words.js';

/** What tasks demand of the tasks inside them (spec tasks.md §1). */
export function checkChildren(tasks: readonly WrittenTask[], report: Report): void {
  for (const task of tasks) {
    if (task.description?.type === 'core.flow.Dag') checkDag(task, report);
    if (task.parent !== undefined) checkParent(task, task.parent, report);
  }
}

/** Where only tasks may stand that a worker runs, by the type of the task around them. */
const RUNNABLE_ONLY: Readonly<Record<string, { readonly property: string; readonly why: string }>> = {
  'core.flow.WorkingDirectory': { property: 'tasks', why: 'one worker runs all tasks of a WorkingDirectory itself' },
  'core.flow.Pause': { property: 'onPause', why: "'onPause' is one task that a worker runs when the pause begins" },
};

function checkParent({ value, path, description }: WrittenTask, parent: WrittenTask, report: Report): void {
  const rule = RUNNABLE_ONLY[parent.description?.type ?? ''];
  if (rule === undefined || path[parent.path.length] !== rule.property) return;
  if (description !== undefined && description.kind !== 'runnable') {
    report.fault([...path, 'type'], `A ${description.type} cannot stand here, because ${rule.why}: move it outside.`);
  }
  if (rule.property === 'tasks' && value['workerGroup'] !== undefined) {
    report.fault(
      [...path, 'workerGroup'],
      "The tasks of a WorkingDirectory run where it runs itself: set 'workerGroup' on the WorkingDirectory.",
      { part: 'name' },
    );
  }
}

interface DagNode {
  readonly id: string;
  readonly path: Path;
  readonly dependsOn: readonly string[];
}

function checkDag({ value, path }: WrittenTask, report: Report): void {
  const list = value['tasks'];
  if (!Array.isArray(list)) return;
  const nodes = list.flatMap((item: unknown, index) => dagNode(item, [...path, 'tasks', index]));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { path: place, dependsOn } of nodes) {
    dependsOn.forEach((id, index) => {
      if (byId.has(id)) return;
      const suggestion = nearestName(id, byId.keys());
      const advice = suggestion === undefined ? 'name one of its tasks.' : `did you mean '${suggestion}'?`;
      report.fault([...place, 'dependsOn', index], `This Dag has no task ${quoted(id)} to depend on: ${advice}`, {
        suggestion,
      });
    });
  }
  const cycle = cycleIn(nodes, byId);
  const start = byId.get(cycle?.[0] ?? '');
  if (cycle === undefined || start === undefined) return;
  const message =
    cycle.length === 2
      ? `The task ${quoted(start.id)} depends on itself: remove it from its dependsOn.`
      : `These tasks depend on each other in a circle: ${cycle.join(' → ')}; remove one of the dependencies.`;
  report.fault([...start.path, 'dependsOn'], message, { part: 'name' });
}

function dagNode(item: unknown, path: Path): readonly DagNode[] {
  if (!isPlainObject(item) || !isPlainObject(item['task'])) return [];
  const { id } = item['task'];
  const { dependsOn } = item;
  if (typeof id !== 'string') return [];
  return [{ id, path, dependsOn: Array.isArray(dependsOn) ? dependsOn.filter((one) => typeof one === 'string') : [] }];
}

/** Ids that depend on each other in a circle, the first repeated at the end. Without recursion: a chain may be long. */
function cycleIn(nodes: readonly DagNode[], byId: ReadonlyMap<string, DagNode>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of nodes) {
    if (done.has(start.id)) continue;
    const stack: { readonly node: DagNode; next: number }[] = [{ node: start, next: 0 }];
    const open = new Set([start.id]);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const dependency = top.node.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.node.id);
        open.delete(top.node.id);
        stack.pop();
        continue;
      }
      if (open.has(dependency)) {
        const ids = stack.map(({ node }) => node.id);
        return [...ids.slice(ids.indexOf(dependency)), dependency];
      }
      const next = byId.get(dependency);
      if (next === undefined || done.has(dependency)) continue;
      open.add(dependency);
      stack.push({ node: next, next: 0 });
    }
  }
  return undefined;
}
