import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { embeddedRows } from './embedded.js';
import { itemRows } from './items.js';
import { kafkaRows } from './kafka.js';
import type { Row } from './rows.js';

const FIGURES = [
  'p50',
  'p99',
  'perSecond',
  'seconds',
  'cpuMsPerExecution',
  'cpuUsPerTaskRun',
  'rssMb',
  'bytesPerTaskRun',
  'bytesWrittenPerTaskRun',
  'recordsWrittenPerTaskRun',
] as const;

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'embedded' },
    json: { type: 'string' },
    times: { type: 'string', default: '3' },
    /** Only a ForEachItem over so many lines, once; a million takes an hour. */
    items: { type: 'string' },
  },
});
const { items } = values;
const BACKENDS: Readonly<Record<string, () => Promise<Row[]>>> = {
  embedded: items === undefined ? embeddedRows : () => itemRows(Number(items)),
  kafka: kafkaRows,
};
const measure = Object.hasOwn(BACKENDS, values.backend) ? BACKENDS[values.backend] : undefined;
if (measure === undefined) {
  process.stderr.write(`There is no backend '${values.backend}': use one of ${Object.keys(BACKENDS).join(', ')}\n`);
  process.exit(2);
}

const runs: Row[][] = [];
const times = items === undefined ? Number(values.times) : 1;
for (let time = 0; time < times; time++) runs.push(await measure());
const rows = (runs[0] ?? []).map((row) =>
  medianOf(runs.flatMap((run) => run.filter((other) => other.row === row.row))),
);
for (const row of rows) {
  const figures = FIGURES.filter((name) => row[name] !== undefined).map(
    (name) => `${name} ${(row[name] ?? 0).toFixed(2)}`,
  );
  process.stdout.write(
    `${row.row.padEnd(56)} ${figures.join('  ').padEnd(46)} gate ${row.gate.padEnd(12)} aim ${row.aim.padEnd(12)} ${row.met}\n`,
  );
}
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify(
      rows.map((row) => ({ backend: values.backend, ...row })),
      null,
      2,
    )}\n`,
  );
}
process.exitCode = rows.some(({ met }) => met === 'no') ? 1 : 0;

/** The run in the middle by the row's first figure. */
function medianOf(same: readonly Row[]): Row {
  const value = (row: Row): number => FIGURES.map((name) => row[name]).find((figure) => figure !== undefined) ?? 0;
  const sorted = [...same].sort((a, b) => value(a) - value(b));
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('Nothing was measured');
  return middle;
}
