import { startCluster } from '../product/cluster.js';
import { pause } from '../product/workload.js';
import { checkTicks, executionsByDate, ticksByFlow, type TickFindings } from './ticks.js';
import { readTopics } from './topics.js';

export interface SchedulesOptions {
  readonly brokers: readonly string[];
  /** Each is due every second. */
  readonly flows: number;
  readonly seconds: number;
  /** A scheduler is killed with -9 so often, one after the other; another takes its place. */
  readonly killEveryMs: number;
}

const flowId = (at: number): string => `tick${at}`;

const ticking = (id: string): string => `
id: ${id}
namespace: test
triggers:
  - {id: each_second, type: core.trigger.Schedule, cron: "* * * * * *", withSeconds: true, allowConcurrent: true}
tasks:
  - {id: t, type: core.debug.Return, format: "{{ trigger.date }}"}
`;

/** Two schedulers on Kafka, schedules that are due each second, and killed leaders; what lies in the topics afterwards. */
export async function runSchedules({
  brokers,
  flows,
  seconds,
  killEveryMs,
}: SchedulesOptions): Promise<TickFindings & { readonly kills: number }> {
  const cluster = await startCluster({ brokers, executors: 2, workers: 1, schedulers: 2, webservers: 1 });
  const reader = await readTopics(brokers, cluster.prefix, ['execution-events', 'executions']);
  const ids = Array.from({ length: flows }, (_, at) => flowId(at));
  try {
    const client = cluster.client();
    for (const id of ids) await client.save(ticking(id).trimStart());
    const endsAt = Date.now() + seconds * 1_000;
    let kills = 0;
    while (Date.now() + killEveryMs < endsAt) {
      await pause(killEveryMs);
      await cluster.of('scheduler')[kills++ % 2]?.replace();
    }
    await pause(Math.max(0, endsAt - Date.now()));
    // No flow is due any more; what was due before has been asked for when the answers are here.
    for (const id of ids) await client.send('DELETE', `/flows/test/${id}`);
    const lastDate = Math.floor((endsAt - 1_000) / 1_000) * 1_000;
    await reader.until(() => {
      const asked = ticksByFlow(reader.records);
      const isAsked = ids.every((id) => asked.get(id)?.some(({ date }) => date >= lastDate) === true);
      const created = executionsByDate(reader.records);
      const isDone = [...asked].every(([id, ticks]) => ticks.every(({ date }) => created.has(`${id} ${date}`)));
      return (isAsked && isDone) || Date.now() - reader.lastAt() > SILENCE_MS;
    });
    client.close();
    return { ...checkTicks(reader.records, ids), kills };
  } finally {
    await reader.close();
    await cluster.stop();
  }
}

/** When nothing was written for so long, what is missing will never come. */
const SILENCE_MS = 15_000;
