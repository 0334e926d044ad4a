import { edgesAround, flowLinks, topologyOf, type LinkedFlow, type TopologyEdge } from '@millrace/flow';
import { catalog, HELLO, parse } from './catalog.js';

function linked(id: string, yaml: string, namespace = 'team'): LinkedFlow {
  const { definition, faults } = parse(`id: ${id}\nnamespace: ${namespace}\n${yaml}`);
  if (!definition) throw new Error(faults.map(({ message }) => message).join(' '));
  return { namespace, id, links: flowLinks(definition, catalog) };
}

const starts = (...ids: readonly string[]): string =>
  `tasks: [${ids.map((id) => `{id: to-${id}, type: core.flow.Subflow, namespace: team, flowId: ${id}}`).join(', ')}]`;
const firedBy = (trigger: string): string =>
  `triggers: [{id: t, type: io.kestra.plugin.core.trigger.Flow, ${trigger}}]\n${HELLO}`;

const textOf = (edges: readonly TopologyEdge[]): readonly string[] =>
  edges.map(({ source, target, relation }) => `${source.id} ${relation === 'FLOW_TASK' ? '->' : '=>'} ${target.id}`);

describe('dependencies by tasks', () => {
  it('are the subflows that are written out, at any depth, each once, as far as they are there', () => {
    const nested = `tasks: [{id: p, type: core.flow.Parallel, tasks: [{id: x, type: core.flow.Subflow, namespace: team, flowId: b}, {id: y, type: core.flow.Subflow, namespace: team, flowId: b}, {id: z, type: core.flow.Subflow, namespace: team, flowId: "{{ vars.c }}"}]}]`;
    const flows = [linked('a', nested), linked('b', starts('gone', 'c')), linked('c', HELLO)];
    expect(textOf(topologyOf(flows))).toEqual(['a -> b', 'b -> c']);
  });
});

describe('dependencies by Flow triggers', () => {
  const others = [linked('a', HELLO), linked('b', HELLO), linked('other', HELLO, 'team.sub')];

  it.each<[string, string, readonly string[]]>([
    [
      'a condition on the flow',
      'conditions: [{type: core.condition.ExecutionFlow, namespace: team, flowId: a}]',
      ['a'],
    ],
    [
      'an old condition on the namespace',
      'conditions: [{type: io.kestra.core.models.conditions.types.ExecutionNamespaceCondition, namespace: team, prefix: true}]',
      ['a', 'b', 'other'],
    ],
    [
      'a namespace by its end',
      'conditions: [{type: core.condition.ExecutionNamespace, namespace: sub, comparison: SUFFIX}]',
      ['other'],
    ],
    [
      'alternatives',
      'conditions: [{type: core.condition.Or, conditions: [{type: core.condition.ExecutionFlow, namespace: team, flowId: b}, {type: core.condition.ExecutionNamespace, namespace: team.sub}]}]',
      ['b', 'other'],
    ],
    [
      'what is left out',
      'conditions: [{type: core.condition.Not, conditions: [{type: core.condition.ExecutionFlow, namespace: team, flowId: b}]}]',
      ['a', 'other'],
    ],
    [
      'preconditions',
      'preconditions: {id: p, flows: [{namespace: team, flowId: a}, {namespace: team.sub}]}',
      ['a', 'other'],
    ],
    [
      'filters of preconditions',
      'preconditions: {id: p, where: [{id: w, filters: [{field: NAMESPACE, type: STARTS_WITH, value: team}, {field: FLOW_ID, type: NOT_IN, values: [a]}]}]}',
      ['b', 'other'],
    ],
    [
      'deprecated several conditions',
      'conditions: [{type: core.condition.MultipleCondition, id: m, conditions: {x: {type: core.condition.ExecutionFlow, namespace: team, flowId: a}, y: {type: core.condition.ExecutionFlow, namespace: team, flowId: b}}}]',
      ['a', 'b'],
    ],
    ['only states', 'conditions: [{type: core.condition.ExecutionStatus, in: [FAILED]}]', []],
    ['nothing', 'states: [FAILED]', []],
  ])('are found for %s', (_, trigger, sources) => {
    const edges = topologyOf([...others, linked('listener', firedBy(trigger))]);
    expect(textOf(edges)).toEqual(sources.map((id) => `${id} => listener`));
  });
});

describe('the surroundings of a flow', () => {
  const edges = topologyOf([
    linked('a', starts('b')),
    linked('b', starts('c')),
    linked('c', starts('d')),
    linked('d', HELLO),
    linked('x', starts('c')),
  ]);
  const around = (destinationOnly: boolean, expandAll: boolean): readonly string[] =>
    textOf(edgesAround(edges, { namespace: 'team', id: 'b' }, { destinationOnly, expandAll }));

  it('are its neighbours, or everything that hangs together', () => {
    expect(around(false, false)).toEqual(['a -> b', 'b -> c']);
    expect(around(true, false)).toEqual(['b -> c']);
    expect(around(true, true)).toEqual(['b -> c', 'c -> d']);
    expect(around(false, true)).toEqual(['a -> b', 'b -> c', 'c -> d', 'x -> c']);
  });
});
