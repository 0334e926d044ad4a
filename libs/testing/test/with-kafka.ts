import { missingForKafka } from '../src/servers/index.js';

/** With CI=true a broker that cannot be started is a failure; elsewhere its tests are left out, and say why. */
export function describeWithKafka(name: string, tests: () => void): void {
  const missing = missingForKafka();
  if (missing === undefined || process.env['CI'] === 'true') describe(name, tests);
  else describe.skip(`${name} (${missing})`, tests);
}
