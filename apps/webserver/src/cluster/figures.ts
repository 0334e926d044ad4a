import type { LabelledFigure, Metrics } from '@millrace/service';
import type { Members } from './members.js';
import { groupStatuses, processorStatuses, type StatusOptions } from './status.js';

/** So long an answer of the queue serves all figures and scrapers, in milliseconds. */
const FRESH_MS = 5_000;

/** A figure without labels would be 0 where nothing is indexed. */
const INDEX = { index: 'elasticsearch' } as const;

/** Figures of the whole installation, asked for when somebody reads them; every webserver shows the same. */
export function showClusterFigures(metrics: Metrics, options: StatusOptions): void {
  const { members, deadLetters, maintenance, clock } = options;
  const recent = <Answer>(ask: () => Promise<Answer>): (() => Promise<Answer>) => {
    let asked: { readonly at: number; readonly answer: Promise<Answer> } | undefined;
    return () => {
      const now = clock.now();
      if (asked === undefined || now - asked.at > FRESH_MS) asked = { at: now, answer: ask() };
      return asked.answer;
    };
  };
  const processors = recent(() => processorStatuses(options, members.active()));
  const groups = recent(() => groupStatuses(options, members.active()));
  const index = recent(() => options.index());

  showMembers(metrics, members);
  metrics.gauges('processor_lag', 'Events that are committed and not applied, by processor', ['processor'], async () =>
    (await processors()).flatMap(({ name, lag }) =>
      lag === undefined ? [] : [{ labels: { processor: name }, value: lag }],
    ),
  );
  metrics.gauges('partitions_without_owner', 'Partitions that no server owns, by processor', ['processor'], async () =>
    (await processors()).map(({ name, withoutOwner }) => ({
      labels: { processor: name },
      value: withoutOwner.length,
    })),
  );
  metrics.gauges('jobs_waiting', 'Jobs that no worker has taken, by worker group', ['group'], async () =>
    (await groups()).flatMap(({ group, waiting }) =>
      waiting === undefined ? [] : [{ labels: { group }, value: waiting }],
    ),
  );
  metrics.gauges('jobs_running', 'Jobs that workers run, by worker group', ['group'], async () =>
    (await groups()).map(({ group, running }) => ({ labels: { group }, value: running })),
  );
  metrics.gauges('worker_slots', 'Slots of the workers that are alive, by worker group', ['group'], async () =>
    (await groups()).map(({ group, slots }) => ({ labels: { group }, value: slots })),
  );
  metrics.gauges(
    'index_behind_records',
    'Records that are committed and not yet found by searches',
    ['index'],
    async () => {
      const found = await index();
      return found ? [{ labels: INDEX, value: found.records }] : [];
    },
  );
  metrics.gauges(
    'index_behind_seconds',
    'For how long, at least, something has waited to be found by searches',
    ['index'],
    async () => {
      const found = await index();
      return found ? [{ labels: INDEX, value: found.seconds }] : [];
    },
  );
  metrics.gauges(
    'dead_letters',
    'Records that could not be handled and that nobody had replayed, by processor',
    ['processor'],
    () => [...deadLetters.open()].map(([processor, value]) => ({ labels: { processor }, value })),
  );
  metrics.gauge('maintenance', '1 while the installation is in maintenance mode', () =>
    maintenance()?.active === true ? 1 : 0,
  );
}

function showMembers(metrics: Metrics, members: Members): void {
  metrics.gauges('members', 'Servers that are alive, by role and state', ['role', 'state'], () => {
    const counts = new Map<string, LabelledFigure>();
    for (const { role, state } of members.active()) {
      const name = `${role}/${state}`;
      counts.set(name, { labels: { role, state }, value: (counts.get(name)?.value ?? 0) + 1 });
    }
    return counts.values();
  });
}
