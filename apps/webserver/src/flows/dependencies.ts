import type { Scope } from '@millrace/authorization';
import { flowLinks, topologyOf, type FlowLinks, type TopologyEdge } from '@millrace/flow';
import type { Flow, TaskTypeCatalog } from '@millrace/model';
import type { FlowCatalog } from './flow-catalog.js';

/** What each flow says about others; a flow is looked at once for each of its revisions. */
export class Dependencies {
  readonly #links = new WeakMap<Flow, FlowLinks>();

  constructor(
    private readonly catalog: TaskTypeCatalog,
    private readonly flows: () => FlowCatalog,
  ) {}

  /** How the flows of a scope depend on each other. */
  edges(scope: Scope): readonly TopologyEdge[] {
    return topologyOf(
      this.flows()
        .all(scope)
        .map((flow) => ({ namespace: flow.namespace, id: flow.id, links: this.#linksOf(flow) })),
    );
  }

  #linksOf(flow: Flow): FlowLinks {
    const known = this.#links.get(flow);
    if (known !== undefined) return known;
    const links = flowLinks(flow.definition, this.catalog);
    this.#links.set(flow, links);
    return links;
  }
}

/** Edges and the flows at their ends, as the API shows them (spec rest-api.md §1). */
export function presentTopology(
  tenant: string,
  edges: readonly TopologyEdge[],
  alone: readonly { readonly namespace: string; readonly id: string }[] = [],
): object {
  const uid = ({ namespace, id }: { readonly namespace: string; readonly id: string }): string =>
    [tenant, namespace, id].join('_');
  const nodes = new Map(
    [...alone, ...edges.flatMap(({ source, target }) => [source, target])].map(({ namespace, id }) => [
      uid({ namespace, id }),
      { uid: uid({ namespace, id }), namespace, id },
    ]),
  );
  return {
    nodes: [...nodes.values()],
    edges: edges.map(({ source, target, relation }) => ({ source: uid(source), target: uid(target), relation })),
  };
}
