import type { Scope } from '@millrace/authorization';
import type { RecordCondition } from '@millrace/model';
import { lowered, type Predicate, type TextCondition } from '../filtering/predicates.js';
import type { WithoutPositions } from '../part.js';
import { labelTerm } from './terms.js';

/** A clause of Elasticsearch's query language. */
export type Clause = Readonly<Record<string, unknown>>;

export const term = (field: string, value: string | number): Clause => ({ term: { [field]: value } });
export const terms = (field: string, values: readonly (string | number)[]): Clause => ({ terms: { [field]: values } });
export const every = (...filter: readonly Clause[]): Clause => ({ bool: { filter } });
export const none = (...clauses: readonly Clause[]): Clause => ({ bool: { must_not: clauses } });
const some = (should: readonly Clause[]): Clause => ({ bool: { should, minimum_should_match: 1 } });
const EVERYTHING: Clause = { match_all: {} };
const NOTHING: Clause = { match_none: {} };

/** A namespace and its children. */
const namespaceWithin = (field: string, namespace: string): Clause =>
  some([term(field, namespace), { prefix: { [field]: { value: `${namespace}.` } } }]);

/** What the scope lets see: first in every search. */
export function within(scope: Scope): readonly Clause[] {
  const ofTenant = term('tenant', scope.tenant);
  if (scope.namespaces === 'ALL') return [ofTenant];
  if (scope.namespaces === 'NONE') return [ofTenant, NOTHING];
  return [ofTenant, some(scope.namespaces.map((prefix) => namespaceWithin('namespace', prefix)))];
}

/** Only documents that the other part does not have: those before its positions. */
export const before = (without: WithoutPositions | undefined): readonly Clause[] =>
  without === undefined || without.from.size === 0
    ? []
    : [
        none(
          ...[...without.from].map(([partition, position]) =>
            every(term('partition', partition), { range: { position: { gte: position } } }),
          ),
        ),
      ];

/** What filters ask. */
export function onFilter(predicate: Predicate): Clause {
  switch (predicate.kind) {
    case 'all':
      return every(...predicate.of.map(onFilter));
    case 'any':
      return some(predicate.of.map(onFilter));
    case 'not':
      return none(onFilter(predicate.of));
    case 'exists':
      return { exists: { field: predicate.field } };
    case 'compare': {
      const { field, comparison, value } = predicate;
      return comparison === '=' ? term(field, value) : { range: { [field]: { [BOUNDS[comparison]]: value } } };
    }
    case 'within':
      return namespaceWithin(predicate.field, predicate.namespace);
    case 'label':
      return onText('labels', predicate.value ?? { kind: 'starts', text: '' }, labelTerm(predicate.key, ''));
    case 'words':
      return predicate.words.length === 0
        ? EVERYTHING
        : every(...predicate.words.map((word): Clause => ({ prefix: { words: { value: word } } })));
    default:
      return onText(predicate.field, predicate, '');
  }
}

const BOUNDS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

/** @param start what each value of the field begins with before the text that is meant */
function onText(field: string, condition: TextCondition, start: string): Clause {
  switch (condition.kind) {
    case 'equals':
      return term(field, start + condition.text);
    case 'one-of':
      return terms(
        field,
        condition.texts.map((text) => start + text),
      );
    default: {
      const { kind, text, ignoreCase = false } = condition;
      const value = ignoreCase ? lowered(text) : text;
      if (kind === 'starts') return { prefix: { [field]: { value: start + value, case_insensitive: ignoreCase } } };
      const pattern = `${literally(start)}*${literally(value)}${kind === 'contains' ? '*' : ''}`;
      return { wildcard: { [field]: { value: pattern, case_insensitive: ignoreCase } } };
    }
  }
}

const literally = (text: string): string => text.replace(/[\\*?]/g, '\\$&');

/** Conditions on records (`selectionConditions`) as clauses; columns of topics are called as in SQL. */
export const onRecords = (conditions: readonly RecordCondition[]): readonly Clause[] =>
  conditions.map((condition) => {
    const { on } = condition;
    const field = 'column' in on ? on.column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) : on.member;
    if ('equals' in condition) return term(field, condition.equals);
    if ('oneOf' in condition) return terms(field, condition.oneOf);
    if ('from' in condition) return { range: { [field]: { gte: condition.from } } };
    if ('before' in condition) return { range: { [field]: { lt: condition.before } } };
    return namespaceWithin(field, condition.within);
  });
