import { isPlainObject, shortType, type FlowSource, type PlainObject, type TaskTypeCatalog } from '@millrace/model';
import { STARTS_FLOWS } from '../checks/warnings.js';
import { taskTree } from '../task-tree.js';
import { isTemplate } from '../templates.js';

/** A flow by its name; of one tenant. */
export interface FlowName {
  readonly namespace: string;
  readonly id: string;
}

/** What one flow says about others. */
export interface FlowLinks {
  /** Flows that its tasks start, as far as their names are written out; each once. */
  readonly starts: readonly FlowName[];
  /** For each Flow trigger whether an execution of that flow could fire it; only triggers that name flows or namespaces. */
  readonly firedBy: readonly ((flow: FlowName) => boolean)[];
}

/** The links of a valid flow, in time linear in it. Pure. */
export function flowLinks(flow: FlowSource, catalog: TaskTypeCatalog): FlowLinks {
  const starts = new Map<string, FlowName>();
  for (const { task, description } of taskTree(flow, catalog)) {
    const { namespace, flowId } = task;
    if (!STARTS_FLOWS.has(description?.type ?? shortType(task.type))) continue;
    if (typeof namespace !== 'string' || typeof flowId !== 'string') continue;
    if (!isTemplate(namespace) && !isTemplate(flowId)) starts.set(`${namespace}/${flowId}`, { namespace, id: flowId });
  }
  const firedBy = (flow.triggers ?? []).flatMap((trigger) => {
    const type = shortType(trigger.type);
    if (type !== 'core.trigger.Flow' && type !== 'io.kestra.core.models.triggers.types.Flow') return [];
    const test = triggerTest(trigger);
    return test === undefined ? [] : [test];
  });
  return { starts: [...starts.values()], firedBy };
}

/** True or false when a condition tells by the name of the flow; undefined when it is about something else. */
type NameTest = (flow: FlowName) => boolean | undefined;

function triggerTest(trigger: PlainObject): ((flow: FlowName) => boolean) | undefined {
  const all = listOf(trigger['conditions']).map(conditionTest);
  const { preconditions } = trigger;
  // Each of the preconditions waits for an execution of its own, so any of them links.
  const any = isPlainObject(preconditions)
    ? [...listOf(preconditions['flows']).map(flowTest), ...listOf(preconditions['where']).map(whereTest)]
    : [];
  const tells = (tests: readonly NameTest[], flow: FlowName): readonly boolean[] =>
    tests.map((test) => test(flow)).filter((answer) => answer !== undefined);
  const ANY: FlowName = { namespace: '', id: '' };
  if (tells(all, ANY).length === 0 && tells(any, ANY).length === 0) return undefined;
  return (flow) => {
    const some = tells(any, flow);
    return tells(all, flow).every(Boolean) && (some.length === 0 || some.some(Boolean));
  };
}

const listOf = (value: unknown): readonly PlainObject[] => (Array.isArray(value) ? value.filter(isPlainObject) : []);

const flowTest =
  (entry: PlainObject): NameTest =>
  ({ namespace, id }) =>
    entry['namespace'] === undefined
      ? undefined
      : entry['namespace'] === namespace && (entry['flowId'] === undefined || entry['flowId'] === id);

const nameOf = (condition: PlainObject): string =>
  (typeof condition['type'] === 'string' ? condition['type'] : '').replace(/^.*\./, '').replace(/Condition$/, '');

function conditionTest(condition: PlainObject): NameTest {
  const inner = listOf(condition['conditions']).map(conditionTest);
  const answers = (flow: FlowName): readonly boolean[] =>
    inner.map((test) => test(flow)).filter((answer) => answer !== undefined);
  switch (nameOf(condition)) {
    case 'ExecutionFlow':
    case 'Flow':
      return flowTest(condition);
    case 'ExecutionNamespace':
    case 'FlowNamespace':
      return ({ namespace }) => namespaceHolds(condition, namespace);
    case 'Or':
      return (flow) => (answers(flow).length === 0 ? undefined : answers(flow).some(Boolean));
    case 'Not':
      // What else it says may be false, so only what it refuses by name alone is known.
      return (flow) =>
        inner.length === 0 || answers(flow).length < inner.length ? undefined : !answers(flow).some(Boolean);
    case 'Multiple': {
      const { conditions } = condition;
      const each = isPlainObject(conditions) ? Object.values(conditions).filter(isPlainObject).map(conditionTest) : [];
      return (flow) => {
        const told = each.map((test) => test(flow)).filter((answer) => answer !== undefined);
        return told.length === 0 ? undefined : told.some(Boolean);
      };
    }
    default:
      return () => undefined;
  }
}

function namespaceHolds(condition: PlainObject, namespace: string): boolean | undefined {
  const { namespace: wanted, comparison, prefix } = condition;
  if (typeof wanted !== 'string') return undefined;
  if (comparison === 'SUFFIX') return namespace.endsWith(wanted);
  return comparison === 'PREFIX' || prefix === true ? namespace.startsWith(wanted) : namespace === wanted;
}

/** Filters on the name of the flow; with OR one of them is enough. */
function whereTest(where: PlainObject): NameTest {
  const tests = listOf(where['filters']).map(filterTest);
  return (flow) => {
    const told = tests.map((test) => test(flow)).filter((answer) => answer !== undefined);
    if (told.length === 0) return undefined;
    // Another filter may hold, so an OR with one that is not about names says nothing.
    if (where['operand'] === 'OR') return told.some(Boolean) ? true : told.length < tests.length ? undefined : false;
    return told.every(Boolean);
  };
}

function filterTest(filter: PlainObject): NameTest {
  const { field, type, value, values } = filter;
  if (field !== 'FLOW_ID' && field !== 'NAMESPACE') return () => undefined;
  const list = Array.isArray(values) ? values : [];
  return (flow) => {
    const text = field === 'FLOW_ID' ? flow.id : flow.namespace;
    switch (type) {
      case 'EQUAL_TO':
        return text === value;
      case 'NOT_EQUAL_TO':
        return text !== value;
      case 'IN':
        return list.includes(text);
      case 'NOT_IN':
        return !list.includes(text);
      case 'STARTS_WITH':
        return text.startsWith(String(value));
      case 'ENDS_WITH':
        return text.endsWith(String(value));
      case 'CONTAINS':
        return text.includes(String(value));
      default:
        return undefined;
    }
  };
}
