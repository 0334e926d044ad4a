import { isEncryptedValue, renderString } from '@millrace/expression';
import { isPlainObject, seededRandom, type ExecutionRecord, type PlainObject, type TaskRun } from '@millrace/model';
import type { ExecutionContext } from './context.js';
import type { FlowPlan } from './plan.js';
import { EXPRESSION_LIMITS } from './rendering.js';
import { ExecutionState } from './state.js';
import { ExecutionVariables, type Subject } from './variables.js';

const MASK = '******';

/** An execution as somebody sees it who tries an expression. */
export interface SeenExecution {
  /** Of the execution, without task runs. */
  readonly records: readonly ExecutionRecord[];
  readonly taskRuns: readonly TaskRun[];
  readonly flow: FlowPlan;
  readonly taskRunId: string;
}

/**
 * The text that an expression gives for a task run, as far as it needs no worker; encrypted values read as `******`.
 *
 * @returns undefined when there is no such task run, or its task is not in the flow any more
 * @throws ExpressionError
 */
export function evaluateExpression(
  { records, taskRuns, flow, taskRunId }: SeenExecution,
  expression: string,
  { now, serverVariables, timeZone }: Pick<ExecutionContext, 'now' | 'serverVariables' | 'timeZone'>,
): string | undefined {
  const run = taskRuns.find(({ id }) => id === taskRunId);
  const task = run && flow.tasks.get(run.taskId);
  if (!task) return undefined;
  const state = stateOf(records, taskRuns);
  const attempts = Math.max(0, run.attempts.length - 1);
  const subject: Subject = { task, run: { ...run, startedAt: run.histories[0]?.date ?? now }, attempts };
  const variables = new ExecutionVariables(state, flow, serverVariables, subject);
  const environment = { now, random: seededRandom(`${taskRunId}/${now}`), timeZone, limits: EXPRESSION_LIMITS };
  return renderString(expression, variables, environment);
}

/** The records in memory, with the ids that their owner gives them. */
function stateOf(records: readonly ExecutionRecord[], taskRuns: readonly TaskRun[]): ExecutionState {
  const known = new Map<string, ExecutionRecord>();
  for (const record of records) known.set(record.kind, masked(record));
  for (const run of taskRuns) known.set(run.id, masked(run));
  return new ExecutionState({
    get: (id) => known.get(id),
    put: (id, record) => void known.set(id, record),
    remove: (id) => void known.delete(id),
    entries: () => known.entries(),
    onChange: () => undefined,
  });
}

function masked<Record extends ExecutionRecord>(record: Record): Record {
  return maskedValue(record) as Record;
}

function maskedValue(value: unknown): unknown {
  if (isEncryptedValue(value)) return MASK;
  if (Array.isArray(value)) return value.map(maskedValue);
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value satisfies PlainObject);
  return Object.fromEntries(entries.map(([name, member]) => [name, maskedValue(member)]));
}
