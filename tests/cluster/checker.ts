import { FLOWS } from '../product/workload.js';
import type { TopicRecord } from './topics.js';

/*
 * What must be true of the topics afterwards, whatever was killed. Shares no code with the engine: it knows the records'
 * names and fields, and nothing of how they come about.
 */

interface Plain {
  readonly [name: string]: unknown;
}

/** What the checker found, and how much it has looked at: a checker that read nothing has proved nothing. */
export interface Findings {
  readonly violations: readonly string[];
  readonly executions: number;
  readonly taskRuns: number;
  readonly results: number;
  readonly staleResults: number;
}

const plain = (value: unknown): Plain => (typeof value === 'object' && value !== null ? { ...value } : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): readonly Plain[] => (Array.isArray(value) ? value.map(plain) : []);
const TERMINAL = new Set(['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'SKIPPED']);

/** The ids of executions whose newest head is terminal. */
export function endedExecutions(records: readonly TopicRecord[]): Set<string> {
  const ended = new Set<string>();
  for (const { topic, value } of records) {
    const head = plain(value);
    if (topic === 'executions' && head['kind'] === 'head' && TERMINAL.has(text(head['state'])))
      ended.add(text(head['executionId']));
  }
  return ended;
}

/**
 * @param acknowledged ids of executions for which a client got an answer, and the flow that each runs
 */
export function check(records: readonly TopicRecord[], acknowledged: ReadonlyMap<string, string>): Findings {
  const violations: string[] = [];
  const heads = new Map<string, Plain>();
  const runs = new Map<string, Plain>();
  const terminalHeads = new Map<string, number>();
  const revisions = new Map<string, number>();
  const byPartition = [...records].sort(
    (one, other) =>
      one.topic.localeCompare(other.topic) || one.partition - other.partition || one.offset - other.offset,
  );
  for (const { topic, key, value } of byPartition) {
    if (value === null || (topic !== 'executions' && topic !== 'task-runs')) continue;
    const record = plain(value);
    const revision = record['revision'];
    if (typeof revision === 'number') {
      // Two writers of one partition, or a write that was decided on state that was not the newest.
      const before = revisions.get(`${topic} ${key}`);
      if (before !== undefined && revision <= before)
        violations.push(`${topic} '${key}': revision ${revision} was written after revision ${before}`);
      revisions.set(`${topic} ${key}`, revision);
    }
    if (record['kind'] === 'head') {
      const id = text(record['executionId']);
      const wasTerminal = TERMINAL.has(text(heads.get(id)?.['state']));
      if (TERMINAL.has(text(record['state'])) && !wasTerminal) terminalHeads.set(id, (terminalHeads.get(id) ?? 0) + 1);
      heads.set(id, record);
    }
    if (record['kind'] === 'task-run') runs.set(`${text(record['executionId'])} ${text(record['id'])}`, record);
  }
  checkExecutions({ heads, runs, terminalHeads, acknowledged }, violations);
  const results = checkResults(byPartition, runs, violations);
  return { violations, executions: heads.size, taskRuns: runs.size, ...results };
}

interface Seen {
  readonly heads: ReadonlyMap<string, Plain>;
  readonly runs: ReadonlyMap<string, Plain>;
  readonly terminalHeads: ReadonlyMap<string, number>;
  readonly acknowledged: ReadonlyMap<string, string>;
}

function checkExecutions({ heads, runs, terminalHeads, acknowledged }: Seen, violations: string[]): void {
  const runsOf = new Map<string, Plain[]>();
  for (const run of runs.values()) {
    const id = text(run['executionId']);
    runsOf.set(id, [...(runsOf.get(id) ?? []), run]);
  }
  const known = new Map([...heads.keys()].map((id) => [id, text(heads.get(id)?.['flowId'])]));
  // Also those whose client got no answer: they were begun, so they must end like all others.
  for (const [id, flowId] of new Map([...known, ...acknowledged])) {
    const head = heads.get(id);
    if (head === undefined) {
      violations.push(`${flowId} ${id} was acknowledged and is nowhere`);
      continue;
    }
    if (!TERMINAL.has(text(head['state'])))
      violations.push(`${flowId} ${id} never ended: it is ${text(head['state'])}`);
    else if (terminalHeads.get(id) !== 1) violations.push(`${flowId} ${id} ended ${terminalHeads.get(id)} times`);
    const expected = FLOWS.find((flow) => flow.id === flowId)?.expected;
    const outcome = outcomeOf(head, runsOf.get(id) ?? []);
    if (expected !== undefined && outcome !== expected) violations.push(`${flowId} ${id} ended as ${outcome}`);
  }
}

/** As the workload writes what it expects. */
function outcomeOf(head: Plain, runs: readonly Plain[]): string {
  const parts = runs.map((run) => {
    const counted = list(run['attempts']).filter(({ state }) => state !== 'RESUBMITTED').length;
    const value = text(run['value']);
    const shown = plain(run['outputs'])['value'];
    return `${text(run['taskId'])}${value === '' ? '' : `[${value}]`}:${text(run['state'])}:${counted}${shown === undefined ? '' : `=${String(shown)}`}`;
  });
  return [text(head['state']), ...parts.sort()].join(' ');
}

/**
 * A result counts only when its token is that of the newest claim that was written before it. What a task run shows in the
 * end must be such a result; results tell themselves apart by an output that no two runs share.
 */
function checkResults(
  records: readonly TopicRecord[],
  runs: ReadonlyMap<string, Plain>,
  violations: string[],
): { readonly results: number; readonly staleResults: number } {
  const claims = new Map<string, string>();
  const counting = new Map<string, Set<string>>();
  let results = 0;
  let staleResults = 0;
  for (const { topic, value } of records) {
    if (topic !== 'execution-events') continue;
    const event = plain(value);
    const run = `${text(event['executionId'])} ${text(event['taskRunId'])}`;
    const attempt = `${run} ${String(event['attempt'])}`;
    if (event['kind'] === 'job-claimed') claims.set(attempt, text(event['token']));
    if (event['kind'] !== 'job-ended') continue;
    results++;
    if (claims.get(attempt) !== text(event['token'])) staleResults++;
    else counting.set(run, (counting.get(run) ?? new Set()).add(markOf(plain(event['outcome'])['outputs'])));
  }
  for (const [name, run] of runs) {
    const mark = markOf(run['outputs']);
    if (mark !== '' && counting.get(name)?.has(mark) !== true)
      violations.push(`${text(run['taskId'])} of ${text(run['executionId'])} shows a result that was not current`);
  }
  return { results, staleResults };
}

const markOf = (outputs: unknown): string => text(plain(plain(outputs)['vars'])['by']);
