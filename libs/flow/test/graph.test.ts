import { flowGraph, NODE_TYPES, type FlowGraph } from '@millrace/flow';
import type { FlowSource } from '@millrace/model';
import { catalog, flowWith, parse } from './catalog.js';

function definitionOf(yaml: string): FlowSource {
  const { definition, faults } = parse(flowWith(yaml));
  if (!definition) throw new Error(faults.map(({ message }) => message).join(' '));
  return definition;
}

const log = (id: string): string => `{id: ${id}, type: core.log.Log, message: hi}`;

/** `a -CHOICE(then)-> b`, without the prefixes of uids. */
const edgesOf = ({ edges }: FlowGraph): readonly string[] =>
  edges.map(({ source, target, relation: { relationType, value } }) => {
    const how = relationType === 'SEQUENTIAL' ? '->' : `-${relationType}${value === undefined ? '' : `(${value})`}->`;
    return `${source.replace('cluster_root.', '').replace('root.', '')} ${how} ${target.replace('cluster_root.', '').replace('root.', '')}`;
  });

/** What holds for every graph, whatever the flow. */
function expectWhole(graph: FlowGraph): void {
  const uids = graph.nodes.map(({ uid }) => uid);
  expect(new Set(uids).size).toBe(uids.length);
  const known = new Set(uids);
  for (const { source, target } of graph.edges) {
    expect(known).toContain(source);
    expect(known).toContain(target);
  }
  const held = graph.clusters.flatMap(({ nodes }) => nodes);
  expect([...held].sort()).toEqual([...uids].sort());
  const clusters = new Set(graph.clusters.map(({ cluster }) => cluster.uid));
  for (const { parents, nodes, start, end } of graph.clusters) {
    for (const parent of parents) expect(clusters).toContain(parent);
    expect(nodes[0]).toBe(start);
    expect(nodes.at(-1)).toBe(end);
  }
  // Everything is reached from a beginning, and leads to the end of the flow.
  const next = new Map<string, string[]>();
  for (const { source, target } of graph.edges) next.set(source, [...(next.get(source) ?? []), target]);
  const reached = new Set(['root.start', 'root.triggers.start'].filter((uid) => known.has(uid)));
  for (const uid of reached) for (const target of next.get(uid) ?? []) reached.add(target);
  expect(reached).toEqual(known);
  for (const uid of uids) if (uid !== 'root.end') expect(next.has(uid)).toBe(true);
}

describe('the graph of a flow', () => {
  it('is a chain of its tasks, with errors, finally and what comes after', () => {
    const graph = flowGraph(
      definitionOf(`tasks: [${log('a')}, ${log('b')}]
errors: [${log('e')}]
finally: [${log('f')}]
listeners: [{tasks: [${log('l')}]}]
afterExecution: [${log('x')}]
`),
      { catalog },
    );
    expectWhole(graph);
    expect(edgesOf(graph)).toEqual([
      'start -ERROR-> e',
      'start -> a',
      'a -> b',
      'b -> finally',
      'e -> finally',
      'finally -FINALLY-> f',
      'f -> afterExecution',
      'afterExecution -AFTER_EXECUTION-> l',
      'l -> x',
      'x -> end',
    ]);
    expect(graph.flowables).toEqual([]);
    expect(graph.nodes.find(({ uid }) => uid === 'root.b')).toEqual({
      uid: 'root.b',
      type: NODE_TYPES.task,
      task: { id: 'b', type: 'core.log.Log', message: 'hi' },
      relationType: 'SEQUENTIAL',
    });
  });

  it.each<[string, string, readonly string[]]>([
    [
      'Sequential',
      `type: core.flow.Sequential, tasks: [${log('a')}, ${log('b')}], errors: [${log('e')}], finally: [${log('f')}]`,
      ['t -ERROR-> e', 't -> a', 'a -> b', 'b -> t.finally', 'e -> t.finally', 't.finally -FINALLY-> f', 'f -> t.end'],
    ],
    [
      'Parallel',
      `type: core.flow.Parallel, tasks: [${log('a')}, ${log('b')}]`,
      ['t -PARALLEL-> a', 't -PARALLEL-> b', 'a -> t.end', 'b -> t.end'],
    ],
    [
      'ForEach',
      `type: core.flow.ForEach, values: [1], tasks: [${log('a')}, ${log('b')}]`,
      ['t -DYNAMIC-> a', 'a -> b', 'b -> t.end'],
    ],
    [
      'If',
      `type: core.flow.If, condition: true, then: [${log('a')}], else: [${log('b')}]`,
      ['t -CHOICE(then)-> a', 't -CHOICE(else)-> b', 'a -> t.end', 'b -> t.end'],
    ],
    [
      'Switch',
      `type: core.flow.Switch, value: x, cases: {rome: [${log('a')}], oslo: [${log('b')}]}, defaults: [${log('c')}]`,
      [
        't -CHOICE(rome)-> a',
        't -CHOICE(oslo)-> b',
        't -CHOICE(defaults)-> c',
        'a -> t.end',
        'b -> t.end',
        'c -> t.end',
      ],
    ],
    [
      'Dag',
      `type: core.flow.Dag, tasks: [{task: ${log('c')}, dependsOn: [a, b]}, {task: ${log('a')}}, {task: {id: b, type: core.flow.Sequential, tasks: [${log('s')}]}, dependsOn: [a]}]`,
      ['t -PARALLEL-> a', 'b.start -> b', 'b -> s', 's -> b.end', 'a -> c', 'b.end -> c', 'a -> b.start', 'c -> t.end'],
    ],
    ['AllowFailure', `type: core.flow.AllowFailure, tasks: [${log('a')}]`, ['t -> a', 'a -> t.end']],
    ['Pause', `type: core.flow.Pause, onPause: ${log('a')}`, ['t -> a', 'a -> t.end']],
    ['WorkingDirectory', `type: core.flow.WorkingDirectory, tasks: [${log('a')}]`, ['t -> a', 'a -> t.end']],
  ])('draws a %s', (_, task, edges) => {
    const graph = flowGraph(definitionOf(`tasks: [{id: t, ${task}}]\n`), { catalog });
    expectWhole(graph);
    expect(edgesOf(graph)).toEqual(['start -> t.start', 't.start -> t', ...edges, 't.end -> end']);
    expect(graph.flowables).toContain('t');
    const cluster = graph.clusters.find((one) => one.cluster.uid === 'cluster_root.t');
    expect(cluster).toMatchObject({
      cluster: { taskNode: 'root.t' },
      parents: ['root'],
      start: 'cluster_root.t.start',
      end: 'cluster_root.t.end',
    });
    // The tasks inside are nodes of their own and not repeated.
    expect(JSON.stringify(graph.nodes.find(({ uid }) => uid === 'root.t'))).not.toContain('core.log.Log');
  });

  it('draws triggers before the start', () => {
    const graph = flowGraph(
      definitionOf(`triggers: [{id: daily, type: core.trigger.Schedule, cron: "0 0 * * *"}]\ntasks: [${log('a')}]\n`),
      { catalog },
    );
    expectWhole(graph);
    expect(edgesOf(graph)).toEqual([
      'triggers.start -> triggers.daily',
      'triggers.daily -> triggers.end',
      'triggers.end -> start',
      'start -> a',
      'a -> end',
    ]);
    expect(graph.nodes.find(({ type }) => type === NODE_TYPES.trigger)).toMatchObject({
      triggerDeclaration: { id: 'daily', cron: '0 0 * * *' },
    });
  });

  describe('with subflows', () => {
    const child = definitionOf(
      `tasks: [${log('inner')}, {id: deeper, type: core.flow.Subflow, namespace: team, flowId: child}]\n`,
    );
    const parent = definitionOf('tasks: [{id: sub, type: core.flow.Subflow, namespace: team, flowId: child}]\n');
    const findFlow = (namespace: string, flowId: string): FlowSource | undefined =>
      namespace === 'team' && flowId === 'child' ? child : undefined;

    it('draws one as a node that says what it starts', () => {
      const graph = flowGraph(parent, { catalog, findFlow });
      expectWhole(graph);
      expect(graph.nodes.find(({ uid }) => uid === 'root.sub')).toMatchObject({
        type: NODE_TYPES.subflow,
        executableTask: { namespace: 'team', flowId: 'child' },
      });
    });

    it('draws those that are asked for with their tasks, at any depth', () => {
      const graph = flowGraph(parent, { catalog, findFlow, subflows: new Set(['root.sub', 'root.sub.deeper']) });
      expectWhole(graph);
      expect(edgesOf(graph)).toEqual([
        'start -> sub.start',
        'sub.start -> sub.inner',
        'sub.inner -> sub.deeper.start',
        'sub.deeper.start -> sub.deeper.inner',
        'sub.deeper.inner -> sub.deeper.deeper',
        'sub.deeper.deeper -> sub.deeper.end',
        'sub.deeper.end -> sub.end',
        'sub.end -> end',
      ]);
    });
  });

  it('has as many nodes and edges as there are tasks, also for thousands', () => {
    const tasks = Array.from({ length: 2_000 }, (_, index) => `  - ${log(`t${index}`)}`).join('\n');
    const graph = flowGraph(definitionOf(`tasks:\n${tasks}\n`), { catalog });
    expect(graph.nodes).toHaveLength(2_002);
    expect(graph.edges).toHaveLength(2_001);
  });
});
