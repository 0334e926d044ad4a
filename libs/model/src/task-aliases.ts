/**
 * Older names of task types that flows may still use (spec tasks.md §11), by the current short form; names that begin
 * with `io.kestra.plugin.` are listed without it. `taskTypeCatalog` adds them to a type when it has it, so a description
 * need not repeat them.
 */
export const TASK_ALIASES: Readonly<Record<string, readonly string[]>> = {
  'core.log.Log': ['io.kestra.core.tasks.log.Log'],
  'core.log.Fetch': ['io.kestra.core.tasks.log.Fetch'],
  'core.debug.Return': ['io.kestra.core.tasks.debugs.Return'],
  'core.debug.Echo': ['io.kestra.core.tasks.debugs.Echo'],
  'core.templating.TemplatedTask': ['io.kestra.core.tasks.templating.TemplatedTask'],
  'core.execution.Count': ['io.kestra.core.tasks.executions.Counts'],
  'core.execution.Fail': ['io.kestra.core.tasks.executions.Fail'],
  'core.execution.Labels': ['io.kestra.core.tasks.executions.Labels'],
  'core.execution.PurgeExecutions': ['io.kestra.core.tasks.storages.Purge', 'core.storage.Purge'],
  'core.state.Get': ['io.kestra.core.tasks.states.Get'],
  'core.state.Set': ['io.kestra.core.tasks.states.Set'],
  'core.state.Delete': ['io.kestra.core.tasks.states.Delete'],
  'core.trigger.Toggle': ['io.kestra.core.tasks.trigger.Toggle'],
  'core.storage.Size': ['io.kestra.core.tasks.storages.Size'],
  'core.storage.Delete': ['io.kestra.core.tasks.storages.Delete'],
  'core.storage.Concat': ['io.kestra.core.tasks.storages.Concat'],
  'core.storage.DeduplicateItems': ['io.kestra.core.tasks.storages.DeduplicateItems'],
  'core.storage.FilterItems': ['io.kestra.core.tasks.storages.FilterItems'],
  'core.storage.Reverse': ['io.kestra.core.tasks.storages.Reverse'],
  'core.storage.Split': ['io.kestra.core.tasks.storages.Split'],
  'core.storage.LocalFiles': ['io.kestra.core.tasks.storages.LocalFiles'],
  'core.storage.PurgeCurrentExecutionFiles': [
    'io.kestra.core.tasks.storages.PurgeExecution',
    'core.storage.PurgeExecution',
  ],
  'core.flow.If': ['io.kestra.core.tasks.flows.If'],
  'core.flow.Dag': ['io.kestra.core.tasks.flows.Dag'],
  'core.flow.EachParallel': ['io.kestra.core.tasks.flows.EachParallel'],
  'core.flow.EachSequential': ['io.kestra.core.tasks.flows.EachSequential'],
  'core.flow.Sequential': ['io.kestra.core.tasks.flows.Sequential'],
  'core.flow.Parallel': ['io.kestra.core.tasks.flows.Parallel'],
  'core.flow.Switch': ['io.kestra.core.tasks.flows.Switch'],
  'core.flow.Pause': ['io.kestra.core.tasks.flows.Pause'],
  'core.flow.AllowFailure': ['io.kestra.core.tasks.flows.AllowFailure'],
  'core.flow.ForEachItem': ['io.kestra.core.tasks.flows.ForEachItem'],
  'core.flow.Template': ['io.kestra.core.tasks.flows.Template'],
  'core.flow.Subflow': ['io.kestra.core.tasks.flows.Subflow', 'io.kestra.core.tasks.flows.Flow'],
  'core.flow.WorkingDirectory': ['io.kestra.core.tasks.flows.WorkingDirectory', 'io.kestra.core.tasks.flows.Worker'],
  'core.flow.LoopUntil': ['core.flow.WaitFor'],
  'core.http.Request': ['fs.http.Request'],
  'core.http.Download': ['fs.http.Download'],
};

/** The older names of a type: its own and those of the table, each once. */
export const aliasesOf = (type: string, own: readonly string[] = []): readonly string[] => [
  ...new Set([...own, ...(Object.hasOwn(TASK_ALIASES, type) ? (TASK_ALIASES[type] ?? []) : [])]),
];
