import type { PlainObject, TaskDefinition } from '@millrace/model';

/** How a node follows another one (spec rest-api.md §1). */
export type RelationType = 'SEQUENTIAL' | 'CHOICE' | 'ERROR' | 'FINALLY' | 'PARALLEL' | 'DYNAMIC' | 'AFTER_EXECUTION';

/** How an edge is drawn; `value` names the branch of a CHOICE. */
export interface Relation {
  readonly relationType: RelationType;
  readonly value?: string;
}

const HIERARCHIES = 'io.kestra.core.models.hierarchies.';

/** What a node is. The names are those that clients of the reference product know. */
export const NODE_TYPES = {
  task: `${HIERARCHIES}GraphTask`,
  subflow: `${HIERARCHIES}SubflowGraphTask`,
  trigger: `${HIERARCHIES}GraphTrigger`,
  start: `${HIERARCHIES}GraphClusterRoot`,
  end: `${HIERARCHIES}GraphClusterEnd`,
  finally: `${HIERARCHIES}GraphClusterFinally`,
  afterExecution: `${HIERARCHIES}GraphClusterAfterExecution`,
  cluster: `${HIERARCHIES}GraphCluster`,
} as const;

export interface GraphNode {
  /** Unique in the graph: `root.<task id>`, with the ids of the subflow tasks before it for tasks of subflows. */
  readonly uid: string;
  readonly type: (typeof NODE_TYPES)[keyof typeof NODE_TYPES];
  /** A task without the tasks inside it: those are nodes of their own. */
  readonly task?: TaskDefinition;
  readonly triggerDeclaration?: PlainObject;
  /** Of a trigger. */
  readonly trigger?: PlainObject;
  /** How it hangs on what is before it. */
  readonly relationType?: RelationType;
  /** Of a subflow: what it starts, as far as that is written out. */
  readonly executableTask?: { readonly namespace?: string; readonly flowId?: string; readonly revision?: number };
}

export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly relation: Relation;
}

/** A task with the tasks inside it, or a group of triggers. */
export interface GraphCluster {
  readonly cluster: { readonly uid: string; readonly type: string; readonly taskNode?: string };
  /** Nodes that belong to this cluster and to none inside it. */
  readonly nodes: readonly string[];
  /** Clusters around it, the outermost first. */
  readonly parents: readonly string[];
  /** Nodes through which it is entered and left. */
  readonly start: string;
  readonly end: string;
}

/** A flow as a drawing: nodes, what leads from one to another, and what is inside what. */
export interface FlowGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly clusters: readonly GraphCluster[];
  /** Ids of the tasks that hold other tasks. */
  readonly flowables: readonly string[];
}

/** More nodes are not drawn by anybody. */
export const GRAPH_NODES_MAX = 50_000;

/** Thrown when a graph would be larger than `GRAPH_NODES_MAX`; the message is for the caller. */
export class GraphTooLargeError extends Error {
  override readonly name = 'GraphTooLargeError';
  constructor() {
    super(`The graph has more than ${GRAPH_NODES_MAX} nodes: expand fewer subflows`);
  }
}

/** Where the next node hangs: the nodes before it, and how. */
export type Entry = { readonly source: string; readonly relation: Relation };

interface OpenCluster {
  readonly uid: string;
  readonly taskNode: string | undefined;
  readonly nodes: string[];
  readonly start: string;
  readonly end: string;
  readonly parents: readonly string[];
}

/** Collects a graph while it is drawn. */
export class GraphDrawing {
  readonly #nodes: GraphNode[] = [];
  readonly #edges: GraphEdge[] = [];
  readonly #clusters: GraphCluster[] = [];
  readonly #flowables: string[] = [];
  readonly #open: OpenCluster[] = [];

  node(node: GraphNode, entries: readonly Entry[] = []): string {
    if (this.#nodes.length >= GRAPH_NODES_MAX) throw new GraphTooLargeError();
    const relationType = entries[0]?.relation.relationType;
    this.#nodes.push(relationType === undefined ? node : { ...node, relationType });
    this.#open.at(-1)?.nodes.push(node.uid);
    this.connect(entries, node.uid);
    return node.uid;
  }

  connect(entries: readonly Entry[], target: string): void {
    for (const { source, relation } of entries) this.#edges.push({ source, target, relation });
  }

  flowable(taskId: string): void {
    this.#flowables.push(taskId);
  }

  /**
   * Draws what is inside a cluster, between its first and its last node.
   *
   * @param inside answers what leads to the last node
   * @returns the last node
   */
  cluster(
    uid: string,
    entries: readonly Entry[],
    inside: (start: string) => readonly Entry[],
    taskNode?: string,
  ): string {
    const opened: OpenCluster = {
      uid,
      taskNode,
      nodes: [],
      start: `${uid}.start`,
      end: `${uid}.end`,
      parents: this.#open.map((outer) => outer.uid),
    };
    this.#open.push(opened);
    this.node({ uid: opened.start, type: NODE_TYPES.start }, entries);
    const exits = inside(opened.start);
    this.node({ uid: opened.end, type: NODE_TYPES.end }, exits);
    this.#open.pop();
    const { nodes, parents, start, end } = opened;
    this.#clusters.push({
      cluster: { uid, type: NODE_TYPES.cluster, ...(taskNode === undefined ? {} : { taskNode }) },
      nodes,
      parents,
      start,
      end,
    });
    return opened.end;
  }

  result(): FlowGraph {
    return { nodes: this.#nodes, edges: this.#edges, clusters: this.#clusters, flowables: this.#flowables };
  }
}
