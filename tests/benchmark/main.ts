import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { EMBEDDED } from './embedded.js';
import { itemMeasurement } from './items.js';
import { kafkaBackend } from './kafka.js';
import { runMeasurements, type Backend, type Failure } from './measurements.js';
import type { Row } from './rows.js';
import { Scope } from './scope.js';

const FIGURES = [
  'p50',
  'p95',
  'p99',
  'max',
  'perSecond',
  'seconds',
  'cpuMsPerExecution',
  'cpuUsPerTaskRun',
  'rssMb',
  'bytesPerTaskRun',
  'bytesWrittenPerTaskRun',
  'recordsWrittenPerTaskRun',
] as const;

const LOOK_FOR_PARENT_MS = 500;

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'embedded' },
    json: { type: 'string' },
    /** Default: 3, and 1 on Kafka. */
    times: { type: 'string' },
    /** Names of measurements, with commas between. */
    only: { type: 'string' },
    /** Only a ForEachItem over so many lines, once; a million takes an hour. Embedded only. */
    items: { type: 'string' },
    /** A folder for what the servers of a cluster print. */
    logs: { type: 'string' },
  },
});

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
function refuse(sentence: string): never {
  tell(sentence);
  process.exit(2);
}

const { backend: name, items, only } = values;
const backend = backendOf();
const measurements = chosen();
const times = Number(values.times ?? (items === undefined ? backend.times : 1));
if (!Number.isSafeInteger(times) || times < 1) refuse(`--times must be a whole number above 0, not '${values.times}'`);

const interrupted = new AbortController();
let exitCode: number | undefined;
function interrupt(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  const code = 128 + constants.signals[signal];
  // All servers end with this process, whatever ends it; only what they kept in temporary folders stays then.
  if (exitCode !== undefined) process.exit(code);
  exitCode = code;
  tell(`${signal}: everything is stopped`);
  interrupted.abort(new Error(`The benchmark was interrupted by ${signal}`));
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
// `npm run` ends without a word to what it runs when it is asked to by SIGTERM.
const parent = process.ppid;
const orphaned = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(orphaned);
  interrupt('SIGHUP');
}, LOOK_FOR_PARENT_MS).unref();

const runs: Row[][] = [];
const failures: Failure[] = [];
const scope = new Scope(interrupted.signal);
try {
  await backend.prepare?.(scope);
  for (let time = 0; time < times && !interrupted.signal.aborted; time++) runs.push(await run(time));
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
} finally {
  await scope.close();
}
report(
  runs
    .flat()
    .filter(({ row }, at, all) => all.findIndex((other) => other.row === row) === at)
    .map(({ row }) => medianOf(runs.flatMap((one) => one.filter((other) => other.row === row)))),
);
// Nothing of a measurement that was given up may hold the process.
process.exit();

function backendOf(): Backend {
  if (items !== undefined && name === 'embedded') return { times: 1, measurements: [itemMeasurement(Number(items))] };
  if (items !== undefined) refuse('--items measures the embedded product: leave --backend out');
  if (name === 'embedded') return EMBEDDED;
  if (name === 'kafka') return kafkaBackend(values.logs);
  return refuse(`There is no backend '${name}': use one of embedded, kafka`);
}

function chosen(): Backend['measurements'] {
  if (only === undefined) return backend.measurements;
  const names = backend.measurements.map((measurement) => measurement.name);
  const wanted = only.split(',').map((one) => one.trim());
  const unknown = wanted.find((one) => !names.includes(one));
  if (unknown !== undefined)
    refuse(`There is no measurement '${unknown}' of '${name}': use some of ${names.join(', ')}`);
  return backend.measurements.filter((measurement) => wanted.includes(measurement.name));
}

async function run(time: number): Promise<Row[]> {
  const rows: Row[] = [];
  let began = 0;
  const listener = {
    begins(measurement: string): void {
      began++;
      const of = times === 1 ? '' : `, run ${time + 1} of ${times}`;
      tell(`[${began}/${measurements.length}${of}] ${measurement}, ${process.uptime().toFixed(0)} s`);
    },
    row(row: Row): void {
      rows.push(row);
      tell(`  ${textOf(row)}`);
    },
    failed(failure: Failure): void {
      failures.push(failure);
      tell(failure.reason);
    },
  };
  await runMeasurements(measurements, listener, interrupted.signal);
  return rows;
}

function textOf(row: Row): string {
  const figures = FIGURES.filter((figure) => row[figure] !== undefined).map(
    (figure) => `${figure} ${(row[figure] ?? 0).toFixed(2)}`,
  );
  return `${row.row.padEnd(56)} ${figures.join('  ').padEnd(46)} gate ${row.gate.padEnd(12)} aim ${row.aim.padEnd(12)} ${row.met}`;
}

/** The table, and the file; what was measured until an interruption as well. */
function report(rows: readonly Row[]): void {
  process.stdout.write(rows.map((row) => `${textOf(row)}\n`).join(''));
  for (const { reason } of failures) process.stdout.write(`${reason}\n`);
  if (values.json !== undefined) {
    const lines = [
      ...rows.map((row) => ({ backend: name, ...row })),
      ...failures.map(({ name: row, reason }) => ({ backend: name, row, met: 'failed', reason })),
    ];
    writeFileSync(values.json, `${JSON.stringify(lines, null, 2)}\n`);
  }
  process.exitCode = exitCode ?? (failures.length > 0 || rows.some(({ met }) => met === 'no') ? 1 : 0);
}

/** The run in the middle by the row's first figure. */
function medianOf(same: readonly Row[]): Row {
  const value = (row: Row): number => FIGURES.map((name) => row[name]).find((figure) => figure !== undefined) ?? 0;
  const sorted = [...same].sort((a, b) => value(a) - value(b));
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('Nothing was measured');
  return middle;
}
