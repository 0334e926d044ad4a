/**
 * What no case can show, because its effect is not in an execution's records, and the test that shows it instead. The
 * names are those of `declared` in coverage.ts; an entry that a case has come to cover is a failure.
 */
export const NOT_BY_A_CASE: Readonly<Record<string, string>> = {
  'every task.workerGroup':
    'a case has one server; libs/executor-core/test/worker-groups.test.ts, apps/webserver/test/worker-groups.test.ts',
  'every task.assets': 'libs/flow/test: assets are refused',
  'core.flow.Pause → onResume': 'libs/executor-core/test/pause.test.ts',
  'core.flow.Pause → resumed': 'libs/executor-core/test/pause.test.ts',
  'core.flow.Template → args': 'libs/executor-core/test/flowables.test.ts: templates are not enabled by default',
  'core.flow.Template.errors': 'libs/executor-core/test/flowables.test.ts: templates are not enabled by default',
  'core.flow.Template.finally': 'libs/executor-core/test/flowables.test.ts: templates are not enabled by default',
  'core.http.Request → encryptedBody': 'plugins/http/test/proxy-and-digest.test.ts: it needs a key',
};
