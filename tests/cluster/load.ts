import type { ProductClient } from '../product/client.js';
import { FLOWS, pause } from '../product/workload.js';
import type { Cluster } from '../product/cluster.js';

/** Executions that are started one after the other by several clients, until it is stopped. */
export interface Load {
  /** Ids that a webserver answered, and the flow of each. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Longest time between two answers, in milliseconds; what clients saw of the disturbances. */
  readonly longestStallMs: number;
  readonly refused: number;
  stop(): Promise<void>;
}

const AGAIN_MS = 50;

/** @param clients each starts its next execution when the last one was answered; `pauseMs` between two */
export function startLoad(
  cluster: Cluster,
  random: () => number,
  { clients, pauseMs }: { readonly clients: number; readonly pauseMs: number },
): Load {
  const acknowledged = new Map<string, string>();
  let stopped = false;
  let refused = 0;
  let longestStallMs = 0;
  let lastAnswerAt = Date.now();

  async function one(at: number): Promise<void> {
    for (let turn = at; !stopped; turn++) {
      const flow = FLOWS[Math.floor(random() * FLOWS.length)] ?? FLOWS[0];
      // The address is looked up anew: a webserver that was replaced has another one.
      const client: ProductClient = cluster.client(turn);
      try {
        const { id } = await client.start(flow?.id ?? '', { wait: false });
        acknowledged.set(id, flow?.id ?? '');
        longestStallMs = Math.max(longestStallMs, Date.now() - lastAnswerAt);
        lastAnswerAt = Date.now();
        await pause(pauseMs);
      } catch {
        // The webserver was killed: the client does not know whether the execution was begun, and asks for another.
        refused++;
        await pause(AGAIN_MS);
      } finally {
        client.close();
      }
    }
  }

  const running = Array.from({ length: clients }, (_, at) => one(at));
  return {
    acknowledged,
    get longestStallMs() {
      return longestStallMs;
    },
    get refused() {
      return refused;
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
