// Runs the simulated cluster of the built product: `npm run simulate -- --seeds 1000 --from 1`, or one seed with its
// trace: `npm run simulate -- --seed 42 --verbose`. `--broken RULE` leaves out a rule of the protocols, which must be
// noticed. Exits with 1 when a promise was broken (with --broken: when none was).
import { parseArgs } from 'node:util';
import * as processors from '../apps/executor/dist/index.js';
import { BROKEN_RULES, runSimulation } from '../libs/testing/dist/index.js';

function optionsOf() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      broken: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const whole = (name, least) => {
    const number = Number(values[name]);
    if (Number.isSafeInteger(number) && number >= least) return number;
    throw new Error(`--${name} must be a whole number of at least ${least}, not '${values[name]}'`);
  };
  if (values.broken !== undefined && !BROKEN_RULES.includes(values.broken)) {
    throw new Error(`--broken must be one of ${BROKEN_RULES.join(', ')}, not '${values.broken}'`);
  }
  const one = values.seed !== undefined;
  return {
    from: one ? whole('seed', 0) : whole('from', 0),
    count: one ? 1 : whole('seeds', 1),
    broken: values.broken,
    verbose: values.verbose,
  };
}

async function simulateAll({ from, count, broken, verbose }) {
  const totals = {
    executions: 0,
    kills: 0,
    stops: 0,
    duplicates: 0,
    doubledJobs: 0,
    stalls: 0,
    fenced: 0,
    lostAnswers: 0,
    left: 0,
    returned: 0,
    givenUp: 0,
  };
  let failed = 0;
  for (let seed = from; seed < from + count; seed++) {
    const report = await runSimulation({ seed, processors, broken, verbose });
    for (const name of Object.keys(totals)) totals[name] += report.disturbances[name] ?? 0;
    totals.executions += report.executions;
    if (verbose) process.stdout.write(`${report.trace.join('\n')}\ntrace ${report.traceHash}\n`);
    if (report.violations.length === 0) continue;
    failed++;
    const again = `npm run simulate -- --seed ${seed}${broken === undefined ? '' : ` --broken ${broken}`} --verbose`;
    process.stdout.write(
      `seed ${seed} failed; again: ${again}\n${report.violations.map((line) => `  ${line}\n`).join('')}`,
    );
  }
  return { totals, failed };
}

async function main() {
  const options = optionsOf();
  const { totals, failed } = await simulateAll(options);
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `${options.count} seeds, ${totals.executions} executions, ${totals.kills} kills and ${totals.stops} stops of nodes, ` +
      `${totals.duplicates} duplicates, ${totals.doubledJobs} jobs handed over twice, ${totals.stalls} stalls, ` +
      `${totals.fenced} fenced commits, ${totals.lostAnswers} lost answers, ` +
      `${totals.left} executions that left the queue and ${totals.returned} that came back, ` +
      `${totals.givenUp} tasks given up without a worker, ` +
      `violations in ${failed} seeds, ${((user + system) / 1e6).toFixed(1)} s of CPU\n`,
  );
  return (failed === 0) === (options.broken === undefined);
}

main().then(
  (isGood) => {
    process.exitCode = isGood ? 0 : 1;
  },
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  },
);
