import * as processors from '@millrace/executor';
import { BROKEN_RULES, runSimulation, type BrokenRule, type SimulationReport } from '@millrace/testing';

const SEEDS = 1_000;
const PART = 125;
/** Only against hanging. */
const LIMIT_MS = 300_000;

const seedsFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

/** What a person needs to see the failure again. */
const told = ({ seed, violations }: SimulationReport): readonly string[] => [
  `npm run simulate -- --seed ${seed} --verbose`,
  ...violations,
];

const reports: SimulationReport[] = [];
let cpuMs = 0;

async function simulate(seed: number, broken?: BrokenRule): Promise<SimulationReport> {
  return runSimulation({ seed, processors, ...(broken === undefined ? {} : { broken }) });
}

describe('a cluster under crashes, stalls, repeats and lost answers', () => {
  it.each(seedsFrom(0, SEEDS / PART).map((part) => [1 + part * PART, (part + 1) * PART]))(
    'keeps its promises on seeds %i to %i',
    async (first) => {
      const start = process.cpuUsage();
      const failed: (readonly string[])[] = [];
      for (const seed of seedsFrom(first, PART)) {
        const report = await simulate(seed);
        reports.push(report);
        if (report.violations.length > 0) failed.push(told(report));
      }
      const { user, system } = process.cpuUsage(start);
      cpuMs += (user + system) / 1_000;
      expect(failed).toEqual([]);
    },
    LIMIT_MS,
  );

  it('was really disturbed', () => {
    const sum = (of: (report: SimulationReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    expect(reports).toHaveLength(SEEDS);
    expect(sum(({ executions }) => executions)).toBeGreaterThan(3 * SEEDS);
    const kinds = [
      'kills',
      'stops',
      'stalls',
      'fenced',
      'lostAnswers',
      'lostWrites',
      'duplicates',
      'doubledJobs',
      'left',
      'returned',
      'givenUp',
    ] as const;
    const rare = kinds.filter((kind) => sum(({ disturbances }) => disturbances[kind]) < SEEDS / 10);
    expect(rare).toEqual([]);
    process.stdout.write(`${SEEDS} seeds in ${(cpuMs / 1_000).toFixed(1)} s of CPU\n`);
  });
});

describe('the simulation', () => {
  it.each([1, 7, 42])('of seed %i happens the same way every time', async (seed) => {
    const [one, other] = [await simulate(seed), await simulate(seed)];
    expect(other).toEqual(one);
    expect((await simulate(seed + 1)).traceHash).not.toBe(one.traceHash);
  });

  it.each(BROKEN_RULES)(
    "notices the broken rule '%s' within 200 seeds",
    async (broken) => {
      let violations: readonly string[] = [];
      for (let seed = 1; seed <= 200 && violations.length === 0; seed++) {
        ({ violations } = await simulate(seed, broken));
      }
      expect(violations).not.toEqual([]);
    },
    LIMIT_MS,
  );
});
