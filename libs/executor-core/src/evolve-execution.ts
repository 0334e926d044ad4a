import {
  ERRORS_KEPT,
  EXECUTION_MOVES,
  isPlainObject,
  isTerminal,
  requestedHead,
  type ErrorEntry,
  type Label,
  type PlainObject,
  type State,
  type StateChange,
} from '@millrace/model';
import { changeHead } from './changing.js';
import type { ExecutionFact, Fact } from './facts.js';
import type { ExecutionState } from './state.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** The part of `evolve` for facts of the execution as a whole. */
export function evolveExecution(state: ExecutionState, fact: ExecutionFact): void {
  switch (fact.kind) {
    case 'execution-created':
      return createExecution(state, fact);
    case 'execution-moved':
      return moveExecution(state, fact);
    case 'execution-outputs-set':
      return changeHead(state, { outputs: fact.outputs });
    case 'failure-noted':
      return changeHead(state, { failure: fact.message });
    case 'warning-set':
      return changeHead(state, { warnings: [...(state.head.warnings ?? []), fact.message] });
    case 'warning-removed': {
      const warnings = (state.head.warnings ?? []).filter((message) => message !== fact.message);
      return changeHead(state, { warnings: warnings.length === 0 ? undefined : warnings });
    }
    case 'error-noted':
      return noteError(state, fact.entry);
    case 'timer-set':
      return setTimer(state, fact);
    case 'end-decided':
      return changeHead(state, { endsAs: fact.state });
    case 'attempt-counted':
      return changeHead(state, { attemptNumber: state.head.attemptNumber + 1 });
    case 'agreement-violated':
      return changeHead(state, { violations: [...(state.head.violations ?? []), fact.id] });
    case 'labels-merged':
      return changeHead(state, { labels: mergedLabels(state.head.labels, fact.labels) });
    case 'variables-merged':
      return state.putVariables({ kind: 'variables', variables: laidOver(state.variables.variables, fact.variables) });
    case 'variables-removed':
      return state.putVariables({
        kind: 'variables',
        variables: fact.paths.reduce(
          (variables, path) => without(variables, path.split('.')),
          state.variables.variables,
        ),
      });
    case 'listeners-chosen':
      return changeHead(state, { listeners: fact.listeners });
    case 'maintenance-awaited':
      return changeHead(state, { awaitsMaintenance: fact.waits ? true : undefined });
    case 'hold-begun':
      return changeHead(state, { hold: { ...(state.head.hold ?? { first: 0, next: 0 }), active: true } });
    case 'hold-ended':
      return endHold(state, fact.at);
    case 'step-held':
      return holdStep(state, fact.step);
    case 'steps-released':
      return releaseSteps(state, fact.count);
    default:
      return fact satisfies never;
  }
}

function createExecution(
  state: ExecutionState,
  { created, variables, labels, format, at }: FactOf<'execution-created'>,
): void {
  state.putCreated(created);
  if (Object.keys(variables).length > 0) state.putVariables({ kind: 'variables', variables });
  state.putHead({ ...requestedHead(created, labels, at, format), revision: 1 });
}

/** Changes that are kept of a history: the first ten and the latest. */
const HISTORY_MAX = 100;
const HISTORY_FIRST = 10;

/** A record stays small however often its state changes (a loop of many retries). */
export const appended = (histories: readonly StateChange[], change: StateChange): readonly StateChange[] =>
  histories.length < HISTORY_MAX
    ? [...histories, change]
    : [...histories.slice(0, HISTORY_FIRST), ...histories.slice(HISTORY_FIRST + 1), change];

/** A move that is not in the table is a bug of the engine. */
export function moveExecution(state: ExecutionState, { to, at }: { readonly to: State; readonly at: number }): void {
  const { head } = state;
  if (head.state === to) return;
  if (!EXECUTION_MOVES[head.state].includes(to)) {
    throw new Error(`An execution must not move from ${head.state} to ${to}`);
  }
  changeHead(state, { state: to, histories: appended(head.histories, { state: to, date: at }) });
  // What it waited for does not matter any more.
  if (isTerminal(to)) changeHead(state, { endsAs: undefined, warnings: undefined });
  if (isTerminal(to) || to === 'KILLING') dropHold(state);
}

/** States that follow from how many task runs wait, and for what. */
const WAITING: ReadonlySet<State> = new Set<State>(['RUNNING', 'RETRYING', 'PAUSED', 'BREAKPOINT', 'RESTARTED']);

/** A task run moved: the execution is PAUSED, BREAKPOINT, RETRYING or RUNNING by what its task runs wait for. */
export function countWaiting(state: ExecutionState, from: State, to: State, at: number): void {
  const change = (counted: State): number => (to === counted ? 1 : 0) - (from === counted ? 1 : 0);
  const [retrying, paused, suspended] = [change('RETRYING'), change('PAUSED'), change('BREAKPOINT')];
  if (retrying === 0 && paused === 0 && suspended === 0) return;
  const { head } = state;
  changeHead(state, {
    retrying: head.retrying + retrying,
    paused: some((head.paused ?? 0) + paused),
    suspended: some((head.suspended ?? 0) + suspended),
  });
  settleWaiting(state, at);
}

const some = (count: number): number | undefined => (count === 0 ? undefined : count);

/** The state of an execution that goes on follows from what its task runs wait for. */
export function settleWaiting(state: ExecutionState, at: number): void {
  const { state: current, hold, paused, suspended, retrying } = state.head;
  if (hold?.active === true || !WAITING.has(current)) return;
  const waits = paused !== undefined ? 'PAUSED' : suspended !== undefined ? 'BREAKPOINT' : undefined;
  moveExecution(state, { to: waits ?? (retrying > 0 ? 'RETRYING' : 'RUNNING'), at });
}

function noteError(state: ExecutionState, entry: ErrorEntry): void {
  state.putErrors([...state.errors, entry].slice(-ERRORS_KEPT));
}

function setTimer(state: ExecutionState, { name, at }: FactOf<'timer-set'>): void {
  const { [name]: _replaced, ...others } = state.head.timers ?? {};
  const timers = at === undefined ? others : { ...others, [name]: at };
  const dates = Object.values(timers);
  changeHead(state, dates.length > 0 ? { timers, dueAt: Math.min(...dates) } : { timers: undefined, dueAt: undefined });
}

/** Keys that are there keep their place. */
function mergedLabels(labels: readonly Label[], over: readonly Label[]): readonly Label[] {
  const merged = new Map(labels.map(({ key, value }) => [key, value]));
  for (const { key, value } of over) merged.set(key, value);
  return [...merged].map(([key, value]) => ({ key, value }));
}

function laidOver(under: PlainObject, over: PlainObject): PlainObject {
  const result = new Map(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    const below = result.get(name);
    result.set(name, isPlainObject(below) && isPlainObject(value) ? laidOver(below, value) : value);
  }
  return Object.fromEntries(result);
}

function without(variables: PlainObject, [name = '', ...rest]: readonly string[]): PlainObject {
  const inner = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (rest.length > 0 && isPlainObject(inner)) return { ...variables, [name]: without(inner, rest) };
  return rest.length > 0 ? variables : Object.fromEntries(Object.entries(variables).filter(([key]) => key !== name));
}

// ── an execution that somebody paused ─────────────────────────────────────────────────────────────────────────────

function endHold(state: ExecutionState, at: number): void {
  const { hold } = state.head;
  if (!hold) return;
  changeHead(state, { hold: hold.first === hold.next ? undefined : { ...hold, active: false } });
  settleWaiting(state, at);
}

function holdStep(state: ExecutionState, step: unknown): void {
  const hold = state.head.hold ?? { active: true, first: 0, next: 0 };
  state.putHeldStep(hold.next, step);
  changeHead(state, { hold: { ...hold, next: hold.next + 1 } });
}

function releaseSteps(state: ExecutionState, count: number): void {
  const { hold } = state.head;
  if (!hold) return;
  const first = hold.first + count;
  for (let index = hold.first; index < first; index++) state.removeHeldStep(index);
  changeHead(state, { hold: first === hold.next && !hold.active ? undefined : { ...hold, first } });
}

/** What waits would start something, and nothing is started any more. */
export function dropHold(state: ExecutionState): void {
  const { hold } = state.head;
  if (!hold) return;
  for (let index = hold.first; index < hold.next; index++) state.removeHeldStep(index);
  changeHead(state, { hold: undefined });
}
