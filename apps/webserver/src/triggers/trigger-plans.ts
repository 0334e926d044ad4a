import { effectiveTriggers, labelsOf, nestLabels } from '@millrace/flow';
import type { Flow, PlainObject, PluginDefault, TaskTypeCatalog } from '@millrace/model';
import { needsHolidays, planTriggers, zoneOf, type FlowTriggers, type HolidayCalendar } from '@millrace/schedule';

/** The triggers of flows, ready to be evaluated when they are called. */
export interface TriggerPlans {
  of(flow: Flow): Promise<FlowTriggers>;
}

export interface TriggerPlansOptions {
  readonly catalog: TaskTypeCatalog;
  /** Of the configuration. */
  readonly pluginDefaults: readonly PluginDefault[];
  /** IANA name. */
  readonly timeZone: string;
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables: PlainObject;
}

/** Plans are kept as long as the view keeps the revision. */
export function createTriggerPlans({
  catalog,
  pluginDefaults,
  timeZone,
  serverVariables,
}: TriggerPlansOptions): TriggerPlans {
  const plans = new WeakMap<Flow, FlowTriggers>();
  let calendar: Promise<HolidayCalendar> | undefined;
  const holidays = (): Promise<HolidayCalendar> =>
    (calendar ??= import('@millrace/schedule/holidays').then((module) => module.createHolidayCalendar()));
  return {
    async of(flow) {
      const known = plans.get(flow);
      if (known) return known;
      const zone = zoneOf(timeZone);
      if (zone === undefined) throw new Error(`There is no time zone '${timeZone}'`);
      const triggers = effectiveTriggers(flow.definition, catalog, [pluginDefaults]);
      const labels = labelsOf(flow.definition.labels);
      const surroundings = {
        zone,
        serverVariables,
        recoverMissedSchedules: 'ALL',
        ...(needsHolidays(triggers) ? { holidays: await holidays() } : {}),
      } as const;
      const plan = planTriggers({ flow, labels, nestedLabels: nestLabels(labels), surroundings }, triggers);
      plans.set(flow, plan);
      return plan;
    },
  };
}
