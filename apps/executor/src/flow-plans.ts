import {
  flowKey,
  LATEST,
  revisionId,
  type Flow,
  type PluginDefault,
  type Resource,
  type TaskTypeCatalog,
} from '@millrace/model';
import { planFlow, type FlowPlan } from '@millrace/executor-core';
import { QueueError, type View } from '@millrace/queue';
import { templateOf } from '@millrace/resources';

/** A revision of a flow, by what an execution says of it. */
export interface FlowReference {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
  /** Absent: the latest. */
  readonly flowRevision?: number;
}

/** Names one revision. */
export type RevisionReference = FlowReference & { readonly flowRevision: number };

/** Compiled revisions that are kept in memory; the least recently used one goes first. */
const PLANS_MAX = 2_000;
/** After so long the view is asked whether it has everything, in milliseconds. */
const VIEW_WAIT_MS = 5_000;
/** Between two tries to bring the view up to date, in milliseconds. */
const REFRESH_AGAIN_MS = 500;

const keyOfFlow = ({ tenant, namespace, flowId }: FlowReference): string => flowKey(tenant, namespace, flowId);

/** What plans are made with besides flows and task types. */
export interface FlowPlanOptions {
  /** `plugins.defaults` of the configuration. */
  readonly pluginDefaults?: readonly PluginDefault[];
  /** Flows may take over the tasks of templates. */
  readonly templates?: boolean;
}

/** Compiled flows, made from the view of resources when they are first needed. */
export class FlowPlans {
  readonly #plans = new Map<string, FlowPlan>();
  readonly #resources: View<Resource>;
  readonly #catalog: TaskTypeCatalog;
  readonly #options: FlowPlanOptions;

  constructor(resources: View<Resource>, catalog: TaskTypeCatalog, options: FlowPlanOptions = {}) {
    this.#resources = resources;
    this.#catalog = catalog;
    this.#options = options;
    // A plan holds the tasks of the templates that it names: it is made again when one of those changes.
    if (options.templates) resources.onChange(({ value }) => value?.kind === 'template' && this.#forgetTemplates());
  }

  /**
   * The plan of a revision: at once when it is known, else as soon as the view has it; undefined when it does not come
   * (views lag behind the commands that changed them, protocols.md part 5.4).
   */
  get(reference: RevisionReference): FlowPlan | undefined | Promise<FlowPlan | undefined> {
    const key = keyOfFlow(reference);
    const id = revisionId(reference.flowRevision);
    const name = `${key}/${id}`;
    const known = this.#plans.get(name);
    if (known) {
      this.#plans.delete(name);
      this.#plans.set(name, known);
      return known;
    }
    if (this.#resources.get(key, id)) return this.#compile(name, key, id);
    return this.#awaited(key, id).then(() => this.#compile(name, key, id));
  }

  /**
   * The latest revision limits its concurrent executions, as far as this server's view knows. What the slots know counts:
   * an execution that asks them for nothing is answered all the same.
   */
  hasSlots(reference: FlowReference): boolean {
    return this.#latest(reference)?.definition.concurrency !== undefined;
  }

  /**
   * The plan of the flow for an execution that somebody wants: at once when the view has a flow that can be executed; before
   * it says no it looks again, and waits for nothing. Of a deleted flow it is the deleted revision.
   */
  wanted(reference: FlowReference): FlowPlan | undefined | Promise<FlowPlan | undefined> {
    const find = (): FlowPlan | undefined | Promise<FlowPlan | undefined> => {
      const latest = this.#latest(reference);
      if (!latest) return undefined;
      const flowRevision = latest.deleted ? latest.revision : (reference.flowRevision ?? latest.revision);
      const isThere = this.#resources.get(keyOfFlow(reference), revisionId(flowRevision)) !== undefined;
      return isThere ? this.get({ ...reference, flowRevision }) : undefined;
    };
    const plan = find();
    const isUsable = plan instanceof Promise || (plan && !plan.deleted && plan.definition.disabled !== true);
    return isUsable ? plan : this.#refreshed().then(find);
  }

  #latest(reference: FlowReference): Flow | undefined {
    const latest = this.#resources.get(keyOfFlow(reference), LATEST);
    return latest?.kind === 'flow' ? latest.flow : undefined;
  }

  /** Resolves when the view shows all that was committed before the call. */
  async #refreshed(): Promise<void> {
    for (;;) {
      try {
        return await this.#resources.refresh();
      } catch (thrown) {
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
        await this.#resources.waitFor(() => false, REFRESH_AGAIN_MS);
      }
    }
  }

  /** Resolves when the view has the revision, or has all that was committed: a store that stands still hides nothing. */
  async #awaited(key: string, id: string): Promise<void> {
    const isThere = (): boolean => this.#resources.get(key, id) !== undefined;
    while (!(await this.#resources.waitFor(isThere, VIEW_WAIT_MS))) {
      try {
        return await this.#resources.refresh();
      } catch (thrown) {
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
      }
    }
  }

  #compile(name: string, key: string, id: string): FlowPlan | undefined {
    const resource = this.#resources.get(key, id);
    if (resource?.kind !== 'flow') return undefined;
    const { tenant } = resource.flow;
    const { pluginDefaults, templates } = this.#options;
    const findTemplate = (namespace: string, template: string) =>
      templateOf(this.#resources, tenant, namespace, template)?.definition;
    const plan = planFlow(resource.flow, this.#catalog, {
      ...(pluginDefaults === undefined ? {} : { globalDefaults: pluginDefaults }),
      ...(templates ? { templates: findTemplate } : {}),
    });
    this.#plans.set(name, plan);
    const oldest = this.#plans.keys().next();
    if (this.#plans.size > PLANS_MAX && !oldest.done) this.#plans.delete(oldest.value);
    return plan;
  }

  #forgetTemplates(): void {
    for (const [name, { tasks }] of this.#plans) {
      if ([...tasks.values()].some(({ type }) => type === 'core.flow.Template')) this.#plans.delete(name);
    }
  }
}
