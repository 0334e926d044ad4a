/**
 * One transform for every suite: swc to CommonJS, packages resolved to their sources by the export condition.
 * `unit` needs nothing built; `contract` runs one suite per port on every adapter in ADAPTERS; `system` starts the
 * built product as its users do.
 */
const shared = {
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  extensionsToTreatAsEsm: [],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@millrace/source', 'node', 'node-addons'] },
  modulePathIgnorePatterns: ['/dist/'],
};

/**
 * One limit against hanging for every test; none waits for a time. A machine that is busy with other work takes longer.
 */
export default {
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{libs,plugins,apps}/*/test/**/*.test.ts',
        '<rootDir>/tests/{architecture,benchmark,simulation}/**/*.test.ts',
      ],
      testPathIgnorePatterns: ['/node_modules/', '\\.contract\\.test\\.ts$'],
    },
    { ...shared, displayName: 'contract', testMatch: ['<rootDir>/{libs,apps}/*/test/**/*.contract.test.ts'] },
    {
      ...shared,
      displayName: 'cluster',
      testMatch: ['<rootDir>/tests/cluster/**/*.test.ts'],
    },
    { ...shared, displayName: 'system', testMatch: ['<rootDir>/tests/system/**/*.test.ts'] },
  ],
};
