import type { Findings } from '../checker.js';
import type { IndexFindings } from '../index-check.js';
import { percentile, type TickFindings } from '../ticks.js';
import type { Fault } from './faults.js';
import type { Operator } from './operator.js';
import type { ChaosOptions } from './run.js';
import type { Stall } from './stalls.js';
import type { SteadyLoad } from './steady-load.js';
import type { Watch } from './watch.js';

/** The figures of a run. Times in milliseconds. */
export interface ChaosReport {
  readonly seed: number;
  readonly seconds: number;
  readonly executions: { readonly begun: number; readonly acknowledged: number; readonly ended: number };
  readonly taskRuns: number;
  readonly operations: Operator['done'];
  readonly schedules: { readonly dates: number; readonly lateP50: number; readonly lateP99: number };
  readonly kills: Readonly<Record<string, number>>;
  readonly freezes: Readonly<Record<string, number>>;
  readonly longestStall: Readonly<Record<string, Stall>>;
  readonly refusedRequests: number;
  readonly answers: { readonly p50: number; readonly p99: number; readonly most: number };
  readonly lost: number;
  readonly doubled: number;
  readonly results: { readonly read: number; readonly notCounted: number };
  /** Only with Elasticsearch. */
  readonly index?: {
    readonly lagP50: number;
    readonly lagP99: number;
    readonly catchUp?: number;
    readonly compared: IndexFindings['compared'];
  };
  /** Records that the checker has read, by topic. */
  readonly read: Findings['read'];
  /** What was wrong; empty: nothing. */
  readonly violations: readonly string[];
  /** Why the run proves too little, whatever was found; empty: it proves something. */
  readonly shortcomings: readonly string[];
  readonly faults: readonly { readonly at: string; readonly name: string; readonly how: string; readonly ms: number }[];
  /** Folder of what the servers printed. */
  /** Servers that ended before they were ready, and were started again. */
  readonly failedStarts: readonly string[];
  readonly logs: string;
}

interface Parts {
  readonly options: ChaosOptions;
  /** How long servers were killed. */
  readonly killedMs: number;
  readonly faults: readonly Fault[];
  readonly load: SteadyLoad;
  readonly operator: Operator;
  readonly watch: Watch;
  readonly findings: Findings;
  readonly ticks: TickFindings;
  readonly catchUpMs: number | undefined;
  readonly index: IndexFindings | undefined;
  readonly failedStarts: readonly string[];
  readonly logs: string;
}

const LOST = /nowhere|never ended|were lost|was ever started|does not have/;
const DOUBLED = /ended [^1]\d* times|asked for twice|became [^0]\d* executions|not current|was written after revision/;

export function reportOf(parts: Parts): ChaosReport {
  const { options, findings, ticks, index, load, faults, watch } = parts;
  const violations = [...findings.violations, ...ticks.violations, ...(index?.violations ?? [])];
  const of = (pattern: RegExp): number => violations.filter((one) => pattern.test(one)).length;
  const answers = load.answers.map(({ ms }) => Math.round(ms)).sort((one, other) => one - other);
  const lags = watch.progress.lags();
  const { catchUpMs } = parts;
  return {
    seed: options.seed,
    seconds: Math.round(parts.killedMs / 1_000),
    executions: { begun: findings.executions, acknowledged: load.acknowledged.size, ended: findings.ended },
    taskRuns: findings.taskRuns,
    operations: parts.operator.done,
    schedules: { dates: ticks.ticks, lateP50: percentile(ticks.late, 0.5), lateP99: percentile(ticks.late, 0.99) },
    kills: counted(faults.filter(({ how }) => how !== 'frozen')),
    freezes: counted(faults.filter(({ how }) => how === 'frozen')),
    longestStall: Object.fromEntries(watch.stalls.by(faults)),
    refusedRequests: load.refused + parts.operator.refused,
    answers: { p50: percentile(answers, 0.5), p99: percentile(answers, 0.99), most: answers.at(-1) ?? 0 },
    lost: of(LOST),
    doubled: of(DOUBLED),
    results: { read: findings.results, notCounted: findings.staleResults },
    ...(index === undefined
      ? {}
      : {
          index: {
            lagP50: percentile(lags, 0.5),
            lagP99: percentile(lags, 0.99),
            ...(catchUpMs === undefined ? {} : { catchUp: catchUpMs }),
            compared: index.compared,
          },
        }),
    read: findings.read,
    violations,
    shortcomings: shortcomingsOf(parts),
    faults: faults.map(({ at, name, how, until }) => ({
      at: new Date(at).toISOString(),
      name,
      how,
      ms: until - at,
    })),
    failedStarts: parts.failedStarts,
    logs: parts.logs,
  };
}

/** What the run must have done to prove anything (CONTRIBUTING.md). */
function shortcomingsOf({ killedMs, faults, findings, index, options }: Parts): readonly string[] {
  const kills = faults.filter(({ how }) => how !== 'frozen').length;
  const tensOfSeconds = killedMs / 10_000;
  const wanted = Math.floor((2_000 * killedMs) / 600_000);
  const shortcomings: string[] = [];
  if (kills < Math.floor(tensOfSeconds))
    shortcomings.push(`Only ${kills} kills in ${Math.round(killedMs / 1_000)} s: less than one in 10 s`);
  if (findings.ended < wanted)
    shortcomings.push(
      `Only ${findings.ended} executions ended, and ${wanted} should in that time (2,000 in 10 minutes)`,
    );
  for (const topic of ['executions', 'task-runs', 'execution-events', 'flow-state'])
    if ((findings.read[topic] ?? 0) === 0) shortcomings.push(`The checker read nothing of '${topic}'`);
  if (options.elasticsearch !== undefined)
    for (const kind of ['executions', 'execution-records', 'task-runs', 'logs', 'metrics', 'triggers'])
      if ((index?.compared[kind] ?? 0) === 0) shortcomings.push(`The checker compared no ${kind} of the index`);
  return shortcomings;
}

function counted(faults: readonly Fault[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { what } of faults) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}

export const isGood = ({ violations, shortcomings }: ChaosReport): boolean =>
  violations.length === 0 && shortcomings.length === 0;

const pairs = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

const SHOWN = 40;

/** For people. */
export function textOf(report: ChaosReport): string {
  const { executions, schedules, index, answers, violations } = report;
  const stalls = Object.entries(report.longestStall).map(
    ([what, { ofOne, ofAll }]) => `${what} ${ofOne.ms} ms (of everything ${ofAll} ms)`,
  );
  const rows: readonly (readonly [string, string])[] = [
    ['seed, seconds', `${report.seed}, ${report.seconds}`],
    ['executions', `${executions.begun} begun, ${executions.acknowledged} acknowledged, ${executions.ended} ended`],
    [
      'task runs',
      `${report.taskRuns}; results ${report.results.read}, of which ${report.results.notCounted} came late`,
    ],
    ['over the API', pairs(report.operations)],
    ['schedules', `${schedules.dates} dates, late p50 ${schedules.lateP50} ms, p99 ${schedules.lateP99} ms`],
    ['killed', pairs(report.kills)],
    ['frozen', pairs(report.freezes)],
    ['longest stall', stalls.join('; ') || 'none above a second'],
    ['requests', `${report.refusedRequests} refused or unanswered; p50 ${answers.p50} ms, p99 ${answers.p99} ms`],
    ...(index === undefined
      ? []
      : ([
          [
            'index',
            `behind p50 ${index.lagP50} ms, p99 ${index.lagP99} ms; caught up ${index.catchUp === undefined ? '-' : `${index.catchUp} ms`} after the outage`,
          ],
          ['compared', pairs(index.compared)],
        ] as const)),
    ['checker read', pairs(report.read)],
    ['lost, doubled', `${report.lost}, ${report.doubled}`],
    ['logs', report.logs],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(16)} ${value}`);
  if (violations.length > 0 || report.shortcomings.length > 0) {
    lines.push('', ...report.shortcomings, `${violations.length} violations:`, ...violations.slice(0, SHOWN), '');
    lines.push(...report.faults.map(({ at, name, how, ms }) => `${at} ${name} ${how} for ${ms} ms`));
  }
  return `${lines.join('\n')}\n`;
}
