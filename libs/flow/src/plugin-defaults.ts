import {
  aliasesOf,
  isPlainObject,
  shortType,
  type FlowSource,
  type PlainObject,
  type PluginDefault,
  type TaskDefinition,
  type TaskTypeCatalog,
  type TriggerDefinition,
} from '@millrace/model';

/**
 * A task with the defaults that apply to it: `lists` are ordered strongest first (flow, namespace, global). An entry
 * applies to the task and to every map inside it whose `type` equals or begins with the entry's type, aliases counted.
 * Maps are merged deeply; lists and all else are taken whole. Of several entries the first listed wins; what the task
 * says wins over all entries but those that are `forced`. The task itself is not changed.
 */
export function effectiveTask(
  task: TaskDefinition,
  lists: readonly (readonly PluginDefault[])[],
  catalog: TaskTypeCatalog,
): TaskDefinition {
  const merged = withDefaults(task, lists, catalog);
  return { ...merged, id: task.id, type: task.type };
}

/**
 * The triggers of a flow with the defaults that apply to them, as `effectiveTask` does for a task.
 * @param further lists after the flow's own, strongest first
 */
export const effectiveTriggers = (
  { triggers, pluginDefaults }: Pick<FlowSource, 'triggers' | 'pluginDefaults'>,
  catalog: TaskTypeCatalog,
  further: readonly (readonly PluginDefault[])[] = [],
): readonly TriggerDefinition[] =>
  (triggers ?? []).map((trigger) => ({
    ...withDefaults(trigger, [pluginDefaults ?? [], ...further], catalog),
    id: trigger.id,
    type: trigger.type,
  }));

/** As `effectiveTask`, for anything that may hold maps with a `type`. */
export function withDefaults(
  value: PlainObject,
  lists: readonly (readonly PluginDefault[])[],
  catalog: TaskTypeCatalog,
): PlainObject {
  const entries = lists.flat();
  if (entries.length === 0) return value;
  return withEntries(
    value,
    {
      plain: entries.filter((entry) => entry.forced !== true),
      forced: entries.filter((entry) => entry.forced === true),
    },
    catalog,
  );
}

interface Entries {
  readonly plain: readonly PluginDefault[];
  readonly forced: readonly PluginDefault[];
}

function withEntries(value: PlainObject, entries: Entries, catalog: TaskTypeCatalog): PlainObject {
  const { type } = value;
  let result = value;
  if (typeof type === 'string') {
    const names = namesOf(type, catalog);
    const applies = (entry: PluginDefault): boolean => names.some((name) => name.startsWith(shortType(entry.type)));
    for (const entry of entries.plain.filter(applies)) result = merge(entry.values ?? {}, result);
    // The strongest is listed first, so it is laid over the others last.
    for (const entry of entries.forced.filter(applies).reverse()) result = merge(result, entry.values ?? {});
  }
  return Object.fromEntries(Object.entries(result).map(([name, member]) => [name, insideOf(member, entries, catalog)]));
}

function insideOf(value: unknown, entries: Entries, catalog: TaskTypeCatalog): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => insideOf(item, entries, catalog));
  return isPlainObject(value) ? withEntries(value, entries, catalog) : value;
}

function namesOf(type: string, catalog: TaskTypeCatalog): readonly string[] {
  const description = catalog.find(type);
  return description === undefined
    ? [shortType(type)]
    : [description.type, ...aliasesOf(description.type, description.aliases)];
}

/** `over` laid on `under`, map by map. */
function merge(under: PlainObject, over: PlainObject): PlainObject {
  const result: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = Object.hasOwn(under, name) ? under[name] : undefined;
    result[name] = isPlainObject(below) && isPlainObject(value) ? merge(below, value) : value;
  }
  return result;
}
