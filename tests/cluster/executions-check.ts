import { ENDED, list, plain, text, type Plain } from './plain.js';

/** How every execution of a flow ends, whatever disturbs it. */
export interface Expectation {
  /** As `outcomeOf` writes it. */
  readonly expected: string | RegExp;
  /** How often it comes to an end: twice when it is restarted. Default 1. */
  readonly endings?: number;
  /** How many executions it starts. Default 0. */
  readonly children?: { readonly least: number; readonly most: number };
}

export interface SeenExecutions {
  readonly heads: ReadonlyMap<string, Plain>;
  readonly created: ReadonlyMap<string, Plain>;
  readonly runs: ReadonlyMap<string, Plain>;
  /** How often each came to an end. */
  readonly endings: ReadonlyMap<string, number>;
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly expectations: ReadonlyMap<string, Expectation>;
}

/** Every execution that was begun ended as its flow demands, once, and so did those that it started. */
export function checkExecutions(seen: SeenExecutions, violations: string[]): void {
  const { heads, runs, acknowledged, expectations } = seen;
  const runsOf = grouped(runs.values(), (run) => text(run['executionId']));
  const children = grouped(
    [...seen.created.values()].filter((created) => created['parent'] !== undefined),
    (created) => text(plain(created['parent'])['executionId']),
  );
  const known = new Map([...heads].map(([id, head]) => [id, text(head['flowId'])]));
  // Also those whose client got no answer: they were begun, so they must end like all others.
  for (const [id, flowId] of new Map([...known, ...acknowledged])) {
    const head = heads.get(id);
    const name = `${flowId} ${id}`;
    if (head === undefined) {
      violations.push(`${name} was acknowledged and is nowhere`);
      continue;
    }
    const expectation = expectations.get(flowId);
    const endings = seen.endings.get(id) ?? 0;
    if (!ENDED.has(text(head['state']))) violations.push(`${name} never ended: it is ${text(head['state'])}`);
    else if (endings !== (expectation?.endings ?? 1)) violations.push(`${name} ended ${endings} times`);
    checkOutcome(name, expectation, outcomeOf(head, runsOf.get(id) ?? []), violations);
    checkChildren(name, head, children.get(id) ?? [], seen, violations);
  }
  for (const [parent] of children)
    if (!heads.has(parent)) violations.push(`${parent} has started executions and is nowhere`);
}

function checkOutcome(name: string, expectation: Expectation | undefined, outcome: string, violations: string[]): void {
  if (expectation === undefined) return;
  const { expected } = expectation;
  const isRight = typeof expected === 'string' ? outcome === expected : expected.test(outcome);
  if (!isRight) violations.push(`${name} ended as ${outcome}`);
}

/** As many as its flow starts, ended before it when it waits for them, and killed with it. */
function checkChildren(
  name: string,
  head: Plain,
  children: readonly Plain[],
  { heads, expectations }: SeenExecutions,
  violations: string[],
): void {
  const { least, most } = expectations.get(text(head['flowId']))?.children ?? { least: 0, most: 0 };
  if (expectations.has(text(head['flowId'])) && (children.length < least || children.length > most))
    violations.push(`${name} started ${children.length} executions`);
  for (const created of children) {
    const id = text(created['executionId']);
    const child = heads.get(id);
    if (child === undefined) {
      violations.push(`${name} started ${id}, which is nowhere`);
      continue;
    }
    if (head['state'] === 'KILLED' && child['state'] !== 'KILLED')
      violations.push(`${name} was killed, and ${id} that it started is ${text(child['state'])}`);
    const waits = plain(created['parent'])['waits'] === true;
    if (waits && head['state'] === 'SUCCESS' && child['state'] !== 'SUCCESS')
      violations.push(`${name} ended before ${id}, for which it waits: that is ${text(child['state'])}`);
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

function grouped(records: Iterable<Plain>, of: (record: Plain) => string): ReadonlyMap<string, readonly Plain[]> {
  const groups = new Map<string, Plain[]>();
  for (const record of records) {
    const group = groups.get(of(record));
    if (group === undefined) groups.set(of(record), [record]);
    else group.push(record);
  }
  return groups;
}
