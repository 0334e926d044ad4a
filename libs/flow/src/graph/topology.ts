import type { FlowLinks, FlowName } from './dependencies.js';

/** A flow and what it says about others. */
export interface LinkedFlow extends FlowName {
  readonly links: FlowLinks;
}

export interface TopologyEdge {
  readonly source: FlowName;
  readonly target: FlowName;
  /** The source starts the target with a task, or its executions fire a trigger of the target. */
  readonly relation: 'FLOW_TASK' | 'FLOW_TRIGGER';
}

const keyOf = ({ namespace, id }: FlowName): string => `${namespace}/${id}`;

/**
 * How flows depend on each other. Links to flows that are not among them are left out. A trigger is compared with every
 * flow, so the cost is the number of Flow triggers times that of flows.
 */
export function topologyOf(flows: readonly LinkedFlow[]): readonly TopologyEdge[] {
  const known = new Map(flows.map((flow) => [keyOf(flow), flow]));
  const name = ({ namespace, id }: FlowName): FlowName => ({ namespace, id });
  return flows.flatMap((flow) => {
    const started = flow.links.starts.flatMap((target): readonly TopologyEdge[] =>
      known.has(keyOf(target)) ? [{ source: name(flow), target, relation: 'FLOW_TASK' }] : [],
    );
    if (flow.links.firedBy.length === 0) return started;
    const firing = flows.filter((other) => other !== flow && flow.links.firedBy.some((couldFire) => couldFire(other)));
    return [
      ...started,
      ...firing.map((source): TopologyEdge => ({ source: name(source), target: name(flow), relation: 'FLOW_TRIGGER' })),
    ];
  });
}

/**
 * The edges that matter for one flow: its own, and with `expandAll` those of all that are connected with it in any way.
 *
 * @param destinationOnly only what follows from the flow, not what leads to it
 */
export function edgesAround(
  edges: readonly TopologyEdge[],
  flow: FlowName,
  options: { readonly destinationOnly: boolean; readonly expandAll: boolean },
): readonly TopologyEdge[] {
  const { destinationOnly, expandAll } = options;
  const bySource = groupedBy(edges, ({ source }) => keyOf(source));
  const byTarget = groupedBy(edges, ({ target }) => keyOf(target));
  const found = new Set<TopologyEdge>();
  const seen = new Set([keyOf(flow)]);
  const waiting = [keyOf(flow)];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const next = [...(bySource.get(key) ?? []), ...(destinationOnly ? [] : (byTarget.get(key) ?? []))];
    for (const edge of next) {
      found.add(edge);
      if (!expandAll) continue;
      for (const end of [keyOf(edge.source), keyOf(edge.target)]) {
        if (seen.has(end)) continue;
        seen.add(end);
        waiting.push(end);
      }
    }
  }
  return edges.filter((edge) => found.has(edge));
}

function groupedBy(
  edges: readonly TopologyEdge[],
  keyOfEdge: (edge: TopologyEdge) => string,
): ReadonlyMap<string, readonly TopologyEdge[]> {
  const groups = new Map<string, TopologyEdge[]>();
  for (const edge of edges) {
    const group = groups.get(keyOfEdge(edge));
    if (group === undefined) groups.set(keyOfEdge(edge), [edge]);
    else group.push(edge);
  }
  return groups;
}
