import { effectiveTriggers, labelsOf, nestLabels } from '@millrace/flow';
import {
  flowKey,
  LATEST,
  revisionId,
  type Flow,
  type MissedSchedules,
  type PlainObject,
  type PluginDefault,
  type Resource,
  type TaskTypeCatalog,
  type TriggerDefinition,
} from '@millrace/model';
import { QueueError, type View } from '@millrace/queue';
import { needsHolidays, planTriggers, zoneOf, type FlowTriggers, type HolidayCalendar } from '@millrace/schedule';

/** After so long the view is asked whether it has everything, in milliseconds. */
const VIEW_WAIT_MS = 5_000;

export interface TriggerPlansOptions {
  readonly resources: View<Resource>;
  readonly catalog: TaskTypeCatalog;
  /** Of the configuration. */
  readonly pluginDefaults: readonly PluginDefault[];
  /** IANA name of the zone of schedules that name none. */
  readonly timeZone: string;
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables: PlainObject;
  /** Of schedules that do not say it. */
  readonly recoverMissedSchedules: MissedSchedules;
}

/** A flow, by what its triggers' state says of it. */
export interface FlowName {
  readonly tenant: string;
  readonly namespace: string;
  readonly flowId: string;
}

/** The triggers of flows, planned from the view of resources when they are first needed. */
export class TriggerPlans {
  readonly #options: TriggerPlansOptions;
  readonly #plans = new WeakMap<Flow, FlowTriggers>();
  #holidays: Promise<HolidayCalendar> | undefined;

  constructor(options: TriggerPlansOptions) {
    this.#options = options;
  }

  /** The triggers of one revision; undefined when it is gone. */
  revision(name: FlowName, revision: number): FlowTriggers | undefined | Promise<FlowTriggers | undefined> {
    const read = (): Flow | undefined => this.#flow(name, revisionId(revision));
    const flow = read();
    return flow ? this.#plan(flow) : this.#awaited(read).then((found) => found && this.#plan(found));
  }

  /** The triggers of the latest revision, which is at least `revision`; undefined when there is none. */
  latest(name: FlowName, revision: number): FlowTriggers | undefined | Promise<FlowTriggers | undefined> {
    const read = (): Flow | undefined => {
      const flow = this.#flow(name, LATEST);
      return flow && flow.revision >= revision ? flow : undefined;
    };
    const flow = read();
    return flow ? this.#plan(flow) : this.#awaited(read).then((found) => found && this.#plan(found));
  }

  #flow({ tenant, namespace, flowId }: FlowName, recordId: string): Flow | undefined {
    const resource = this.#options.resources.get(flowKey(tenant, namespace, flowId), recordId);
    return resource?.kind === 'flow' ? resource.flow : undefined;
  }

  /** Views lag behind the commands that changed them: resolves when the flow is there, or the view has everything. */
  async #awaited(read: () => Flow | undefined): Promise<Flow | undefined> {
    const { resources } = this.#options;
    while (!(await resources.waitFor(() => read() !== undefined, VIEW_WAIT_MS))) {
      try {
        await resources.refresh();
        break;
      } catch (thrown) {
        if (!(thrown instanceof QueueError) || !thrown.retryable) throw thrown;
      }
    }
    return read();
  }

  #plan(flow: Flow): FlowTriggers | Promise<FlowTriggers> {
    const known = this.#plans.get(flow);
    if (known) return known;
    const triggers = effectiveTriggers(flow.definition, this.#options.catalog, [this.#options.pluginDefaults]);
    if (!needsHolidays(triggers)) return this.#planned(flow, triggers, undefined);
    this.#holidays ??= import('@millrace/schedule/holidays').then((module) => module.createHolidayCalendar());
    return this.#holidays.then((holidays) => this.#planned(flow, triggers, holidays));
  }

  #planned(flow: Flow, triggers: readonly TriggerDefinition[], holidays: HolidayCalendar | undefined): FlowTriggers {
    const { timeZone, serverVariables, recoverMissedSchedules } = this.#options;
    const zone = zoneOf(timeZone);
    if (zone === undefined) throw new Error(`There is no time zone '${timeZone}'`);
    const labels = labelsOf(flow.definition.labels);
    const surroundings = { zone, serverVariables, recoverMissedSchedules, ...(holidays ? { holidays } : {}) };
    const plan = planTriggers({ flow, labels, nestedLabels: nestLabels(labels), surroundings }, triggers);
    this.#plans.set(flow, plan);
    return plan;
  }
}
