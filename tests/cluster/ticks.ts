import { plain } from './plain.js';
import type { TopicRecord } from './topics.js';

/*
 * What must be true of schedules that are due each second, whatever was killed. Shares no code with the engine: it knows the
 * records' names and fields, and nothing of how they come about.
 */

/** One date of one schedule, as it was asked of the executor. */
interface Tick {
  readonly date: number;
  readonly executionId: string;
  /** When the scheduler decided it, after the date, in milliseconds. */
  readonly lateMs: number;
}

/** What the checker found, and how much it has looked at. */
export interface TickFindings {
  readonly violations: readonly string[];
  readonly ticks: number;
  readonly executions: number;
  readonly late: readonly number[];
}

const dateOf = (trigger: unknown): number => Date.parse(String(plain(plain(trigger)['variables'])['date']));

/** The dates of each flow that were asked for, in the order of their events. */
export function ticksByFlow(records: readonly TopicRecord[]): ReadonlyMap<string, readonly Tick[]> {
  const flows = new Map<string, Tick[]>();
  const ordered = [...records].sort((one, other) => one.partition - other.partition || one.offset - other.offset);
  for (const { topic, value } of ordered) {
    const event = plain(value);
    if (topic !== 'execution-events' || event['kind'] !== 'execution-wanted') continue;
    const date = dateOf(event['trigger']);
    const ticks = flows.get(String(event['flowId'])) ?? [];
    ticks.push({ date, executionId: String(event['executionId']), lateMs: Number(event['at']) - date });
    flows.set(String(event['flowId']), ticks);
  }
  return flows;
}

/** Each second from the first date of a flow to its last was asked for once, and became one execution. */
export function checkTicks(records: readonly TopicRecord[], flowIds: readonly string[]): TickFindings {
  const violations: string[] = [];
  const flows = ticksByFlow(records);
  const created = executionsByDate(records);
  let count = 0;
  for (const flowId of flowIds) {
    const ticks = [...(flows.get(flowId) ?? [])].sort((one, other) => one.date - other.date);
    if (ticks.length === 0) violations.push(`${flowId}: nothing was ever started`);
    count += ticks.length;
    ticks.forEach((tick, index) => {
      const before = ticks[index - 1];
      const name = `${flowId} at ${new Date(tick.date).toISOString()}`;
      if (before?.date === tick.date) violations.push(`${name}: was asked for twice`);
      else if (before !== undefined && before.date + 1_000 !== tick.date)
        violations.push(`${name}: dates before it were lost`);
      const executions = created.get(`${flowId} ${tick.date}`) ?? new Set();
      if (executions.size !== 1 || !executions.has(tick.executionId))
        violations.push(`${name}: became ${executions.size} executions`);
    });
  }
  const late = [...flows.values()].flat().map(({ lateMs }) => lateMs);
  return {
    violations,
    ticks: count,
    executions: [...created.values()].reduce((sum, ids) => sum + ids.size, 0),
    late: late.sort((one, other) => one - other),
  };
}

/** Ids of executions by flow and date. */
export function executionsByDate(records: readonly TopicRecord[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { topic, value } of records) {
    const record = plain(value);
    if (topic !== 'executions' || record['kind'] !== 'created' || record['trigger'] === undefined) continue;
    const key = `${String(record['flowId'])} ${dateOf(record['trigger'])}`;
    const ids = found.get(key) ?? new Set();
    found.set(key, ids.add(String(record['executionId'])));
  }
  return found;
}

/** Of sorted numbers. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
