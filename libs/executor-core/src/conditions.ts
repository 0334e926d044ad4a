import { isPlainObject, shortType, type Label, type State } from '@millrace/model';

/** What conditions about an execution may look at; a flow trigger evaluates the same ones about another execution. */
export interface ConditionSubject {
  readonly namespace: string;
  readonly flowId: string;
  readonly state: State;
  readonly labels: readonly Label[];
  /** States of the attempts of task runs that were tried more than once. */
  readonly retriedAttempts: () => Iterable<State>;
  /** A string with an expression, rendered; its type is kept when it is one expression. */
  readonly render: (template: string) => unknown;
}

/**
 * Whether all conditions hold.
 * @throws when one is of a type that cannot be evaluated here, or cannot be rendered
 */
export const allConditionsHold = (conditions: readonly unknown[], subject: ConditionSubject): boolean =>
  conditions.every((condition) => conditionHolds(condition, subject));

/** As `allConditionsHold`, for one. */
export function conditionHolds(condition: unknown, subject: ConditionSubject): boolean {
  const { type, ...properties } = isPlainObject(condition) ? condition : {};
  const evaluate = EVALUATIONS.get(conditionName(type));
  if (!evaluate) throw new Error(`A condition of type '${String(type)}' cannot be evaluated here`);
  return evaluate(properties, subject);
}

const OLD_PACKAGE = 'io.kestra.core.models.conditions.types.';
const PACKAGE = 'core.condition.';

/** `ExecutionStatus`, whether it is written with its current or an older name. */
function conditionName(type: unknown): string {
  const short = shortType(String(type));
  const name = [OLD_PACKAGE, PACKAGE].reduce(
    (rest, prefix) => (rest.startsWith(prefix) ? rest.slice(prefix.length) : rest),
    short,
  );
  const current = name.endsWith('Condition') ? name.slice(0, -'Condition'.length) : name;
  return current === 'Variable' ? 'Expression' : current;
}

type Properties = Readonly<Record<string, unknown>>;
type Evaluate = (properties: Properties, subject: ConditionSubject) => boolean;

const EVALUATIONS: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['ExecutionStatus', (properties, { state }) => isAmong(properties, [state])],
  [
    'ExecutionFlow',
    ({ namespace, flowId }, subject) =>
      textOf(namespace, subject) === subject.namespace && textOf(flowId, subject) === subject.flowId,
  ],
  ['ExecutionNamespace', namespaceHolds],
  ['ExecutionLabels', labelsHold],
  ['Expression', ({ expression }, subject) => isTrueText(subject.render(String(expression)))],
  ['HasRetryAttempt', (properties, { retriedAttempts }) => isAmong(properties, retriedAttempts())],
  ['Not', ({ conditions }, subject) => listOf(conditions).every((inner) => !conditionHolds(inner, subject))],
  ['Or', ({ conditions }, subject) => listOf(conditions).some((inner) => conditionHolds(inner, subject))],
]);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const textOf = (value: unknown, { render }: ConditionSubject): string =>
  String(typeof value === 'string' ? render(value) : value);

/** Neither blank nor `false` (spec triggers.md §6). */
const isTrueText = (rendered: unknown): boolean => {
  const text = String(rendered ?? '').trim();
  return text !== '' && text !== 'false';
};

/** One of the states is in `in` (when that is not empty) and not in `notIn`. */
function isAmong({ in: wanted, notIn }: Properties, states: Iterable<State>): boolean {
  const [included, excluded] = [listOf(wanted), listOf(notIn)];
  for (const state of states) {
    if ((included.length === 0 || included.includes(state)) && !excluded.includes(state)) return true;
  }
  return false;
}

function namespaceHolds({ namespace, comparison, prefix }: Properties, subject: ConditionSubject): boolean {
  const wanted = textOf(namespace, subject);
  switch (comparison ?? (prefix === true ? 'PREFIX' : 'EQUALS')) {
    case 'PREFIX':
      return subject.namespace.startsWith(wanted);
    case 'SUFFIX':
      return subject.namespace.endsWith(wanted);
    default:
      return subject.namespace === wanted;
  }
}

function labelsHold({ labels }: Properties, subject: ConditionSubject): boolean {
  const present = new Map(subject.labels.map(({ key, value }) => [key, value]));
  const wanted: readonly (readonly [unknown, unknown])[] = Array.isArray(labels)
    ? labels.filter(isPlainObject).map(({ key, value }) => [key, value] as const)
    : Object.entries(isPlainObject(labels) ? labels : {});
  return wanted.every(([key, value]) => present.get(String(key)) === textOf(value, subject));
}
