import { pause } from '../../product/workload.js';
import type { Cluster } from '../../product/cluster.js';
import { plain, text } from '../plain.js';
import type { TopicRecord } from '../topics.js';
import { CHAOS_FLOWS, type ChaosFlow } from './flows.js';

/**
 * Does over the API what somebody at a screen would: resumes what is paused, kills what runs, restarts what has failed. It
 * learns of them from the topics, so that executions whose creation nobody confirmed are served as well.
 */
export interface Operator {
  see(record: TopicRecord): void;
  readonly done: Readonly<Record<'resume' | 'kill' | 'restart', number>>;
  /** Requests without an answer, which were repeated. */
  readonly refused: number;
  stop(): Promise<void>;
}

const AGAIN_MS = 200;
const OPERATIONS = new Map(CHAOS_FLOWS.flatMap(({ id, operation }) => (operation ? [[id, operation] as const] : [])));

export function startOperator(cluster: Cluster, random: () => number): Operator {
  const states = new Map<string, string>();
  const running = new Set<Promise<void>>();
  const begun = new Set<string>();
  const done = { resume: 0, kill: 0, restart: 0 };
  let refused = 0;
  let stopped = false;

  /** Asks until it is answered, or until the execution is not in that state any more. */
  async function operate(id: string, { at, name }: NonNullable<ChaosFlow['operation']>): Promise<void> {
    // Somewhere in the course of it.
    await pause(random() * 2_000);
    for (let turn = 0; !stopped && states.get(id) === at; turn++) {
      const client = cluster.client(Math.floor(random() * 2) + turn);
      try {
        const method = name === 'kill' ? 'DELETE' : 'POST';
        const { status } = await client.send(method, `/executions/${id}/${name}`);
        // 404: this webserver does not know it yet. 409: an earlier request that was not answered has done it.
        if (status < 300) {
          done[name]++;
          return;
        }
        if (status >= 500) refused++;
      } catch {
        refused++;
      } finally {
        client.close();
      }
      await pause(AGAIN_MS);
    }
  }

  return {
    done,
    get refused() {
      return refused;
    },
    see({ topic, value }) {
      const head = plain(value);
      if (topic !== 'executions' || head['kind'] !== 'head') return;
      const operation = OPERATIONS.get(text(head['flowId']));
      if (operation === undefined) return;
      const id = text(head['executionId']);
      states.set(id, text(head['state']));
      if (head['state'] !== operation.at || begun.has(id)) return;
      begun.add(id);
      const work = operate(id, operation).finally(() => running.delete(work));
      running.add(work);
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
