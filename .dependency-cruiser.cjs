/**
 * Who may import whom (ARCHITECTURE.md). Run by `npm run imports` and by tests/architecture.
 *
 *   model ← authorization, expression ← schedule ← flow ← executor-core ← ports (queue, repository, storage, plugin-api) ← service
 *         ← apps ← cli;   plugins → plugin-api, model
 *
 * A new arrow needs a decision record in docs/decisions.
 */

/** What each package may import of the others; whatever is not listed is refused. */
const ALLOWED = {
  'libs/model': [],
  'libs/authorization': ['libs/model'],
  'libs/expression': ['libs/model'],
  'libs/flow': ['libs/model', 'libs/expression', 'libs/schedule'],
  'libs/executor-core': ['libs/model', 'libs/expression', 'libs/flow', 'libs/queue'],
  'libs/queue': ['libs/model'],
  'libs/registry': ['libs/model', 'libs/schedule'],
  'libs/resources': ['libs/model', 'libs/authorization', 'libs/queue', 'libs/storage'],
  'libs/schedule': ['libs/model', 'libs/expression'],
  'libs/repository': ['libs/model', 'libs/authorization', 'libs/queue'],
  'libs/storage': ['libs/model', 'libs/authorization'],
  'libs/plugin-api': ['libs/model'],
  'libs/service': ['libs/model', 'libs/queue'],
  'libs/testing': ['libs/[^/]+'],
  'plugins/[^/]+': ['libs/model', 'libs/plugin-api'],
  'apps/(?!cli/)[^/]+': ['libs/(?!testing/)[^/]+'],
  'apps/cli': ['libs/(?!testing/)[^/]+', 'plugins/[^/]+', 'apps/[^/]+'],
};

/** Libraries that belong to one folder, so that nothing else depends on them. */
const CONFINED = {
  kafkajs: 'libs/queue/src/kafka',
  '@elastic/elasticsearch': 'libs/repository/src/elasticsearch',
  libsql: 'libs/(queue|repository)/src/sql',
  kysely: 'libs/(queue|repository)/src/sql',
  express: 'apps/webserver',
  helmet: 'apps/webserver',
  busboy: 'apps/webserver',
  '@node-rs/argon2': 'apps/webserver',
  commander: 'apps/cli',
  'cron-parser': 'libs/schedule',
  pino: 'libs/service',
  'prom-client': 'libs/service',
};

/** Answer the same for the same arguments: no files, network, processes or timers. */
const PURE = 'libs/(model|authorization|expression|schedule|flow|executor-core)/src';
const IMPURE_MODULES =
  '^(node:)?(fs|net|http|http2|https|tls|dns|dgram|child_process|cluster|timers|worker_threads|os|perf_hooks)(/|$)';

const SOURCES = '/(src|test)/';
const escaped = (name) => name.replace(/[/@.-]/g, (character) => `\\${character}`);

const packageRules = Object.entries(ALLOWED).map(([folder, targets]) => ({
  name: `imports-of-${folder.replace(/[^a-z/-]+/g, '-')}`,
  comment: `${folder} may import only: ${targets.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^(${folder})/src/` },
  to: {
    path: '^(libs|plugins|apps)/',
    // $1 is the importing package itself.
    pathNot: ['^$1/', ...targets.map((target) => `^${target}/`)],
  },
}));

const confinedRules = Object.entries(CONFINED).map(([library, folder]) => ({
  name: `confined-${library.replace(/[^a-z]+/g, '-')}`,
  comment: `${library} is used only in ${folder}`,
  severity: 'error',
  from: { path: SOURCES, pathNot: [`^${folder}/`, `^libs/testing/`, '/test/'] },
  to: { path: `(^|/)node_modules/${escaped(library)}(/|$)` },
}));

module.exports = {
  forbidden: [
    ...packageRules,
    ...confinedRules,
    {
      name: 'no-circular',
      comment: 'A cycle means that two files are one.',
      severity: 'error',
      from: { path: '/src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-deep-imports',
      comment: "Another package is imported by its name: '@millrace/x', never by a path into it.",
      severity: 'error',
      from: { path: '^((libs|plugins|apps)/[^/]+)/' },
      // Contract suites are started by a test beside each implementation.
      to: { path: '^(libs|plugins|apps)/[^/]+/', pathNot: ['^$1/', '^libs/testing/'], dependencyTypes: ['local'] },
    },
    {
      name: 'pure-libraries',
      comment: 'A pure library does no I/O: what it needs is an argument.',
      severity: 'error',
      from: { path: `^${PURE}/` },
      to: { path: IMPURE_MODULES },
    },
    {
      name: 'no-tests-in-products',
      comment: 'Sources do not import tests or test support.',
      severity: 'error',
      from: { path: '/src/', pathNot: '^libs/testing/' },
      to: { path: '(^libs/testing/|/test/|^tests/)' },
    },
    {
      name: 'declared-dependencies',
      comment: 'What a package imports is in its package.json.',
      severity: 'error',
      from: { path: '^(libs|plugins|apps)/[^/]+/src/' },
      // Contract suites in libs/testing use the types of the test runner.
      to: {
        pathNot: 'node_modules/(jest|@jest|@types/jest)/',
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'unknown'],
      },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/', '/node_modules/\\.cache/', '^apps/ui/'] },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@millrace/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
    progress: { type: 'none' },
  },
};
