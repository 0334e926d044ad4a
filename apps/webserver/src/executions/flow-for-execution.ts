import { childTasks, labelsOf } from '@millrace/flow';
import { isPlainObject, SECTIONS, type Flow, type PlainObject, type TaskTypeCatalog } from '@millrace/model';

/**
 * A flow as somebody sees it who may read its executions and not the flow itself (spec rest-api.md §2): what tasks there
 * are and what they are given, but nothing of what they do.
 */
export function presentFlowForExecution(flow: Flow, catalog: TaskTypeCatalog): PlainObject {
  const { definition } = flow;
  const sections = SECTIONS.filter((name) => definition[name] !== undefined).map((name) => [
    name,
    tasksOf(definition[name] ?? [], catalog),
  ]);
  return {
    tenantId: flow.tenant,
    id: flow.id,
    namespace: flow.namespace,
    revision: flow.revision,
    ...(definition.description !== undefined && { description: definition.description }),
    ...(definition.labels !== undefined && { labels: labelsOf(definition.labels) }),
    ...(definition.inputs !== undefined && { inputs: definition.inputs }),
    ...(definition.outputs !== undefined && {
      outputs: definition.outputs.map(({ value: _hidden, ...output }) => output),
    }),
    ...Object.fromEntries(sections),
    ...(definition.triggers !== undefined && { triggers: definition.triggers.map(({ id, type }) => ({ id, type })) }),
    disabled: definition.disabled ?? false,
    deleted: flow.deleted,
  };
}

function tasksOf(list: readonly unknown[], catalog: TaskTypeCatalog): readonly PlainObject[] {
  return list.filter(isPlainObject).map((task) => {
    const { id, type, version, namespace, flowId, revision, onResume } = task;
    const children = childTasks(task, catalog);
    return {
      id,
      type,
      ...(version !== undefined && { version }),
      ...(flowId !== undefined && { subflowId: { namespace, flowId, ...(revision !== undefined && { revision }) } }),
      ...(onResume !== undefined && { inputs: onResume }),
      ...(children.length > 0 && { tasks: tasksOf(children, catalog) }),
    };
  });
}
