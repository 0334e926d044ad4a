import { Agent, request } from 'node:http';
import { pause } from '../../product/workload.js';
import type { Cluster } from '../../product/cluster.js';
import { ACCOUNT } from '../../product/server.js';
import { CHAOS_FLOWS } from './flows.js';

/** Executions that are begun at a steady rate, whatever the cluster does meanwhile. */
export interface SteadyLoad {
  /** Ids that a webserver answered, and the flow of each. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Requests that were refused or not answered; each was repeated at another webserver. */
  readonly refused: number;
  /** Milliseconds until each answer, in the order of the answers. */
  readonly answers: readonly { readonly at: number; readonly ms: number }[];
  stop(): Promise<void>;
}

const AGAIN_MS = 100;
/** A frozen webserver answers nothing; its clients ask another one. */
const PATIENCE_MS = 5_000;
const TRIES = 100;

/** @param perSecond executions that are begun each second */
export function startSteadyLoad(cluster: Cluster, random: () => number, perSecond: number): SteadyLoad {
  const acknowledged = new Map<string, string>();
  const answers: { at: number; ms: number }[] = [];
  const agent = new Agent({ keepAlive: true });
  const asking = new Set<Promise<void>>();
  const mix = CHAOS_FLOWS.flatMap(({ id, weight }) => Array.from({ length: weight }, () => id));
  let refused = 0;
  let stopped = false;

  async function begin(flowId: string, turn: number): Promise<void> {
    for (let tries = 0; tries < TRIES && (tries === 0 || !stopped); tries++) {
      const webservers = cluster.of('webserver');
      const url = webservers[(turn + tries) % webservers.length]?.url ?? '';
      const from = performance.now();
      try {
        const id = await create(url, flowId, agent);
        acknowledged.set(id, flowId);
        answers.push({ at: Date.now(), ms: performance.now() - from });
        return;
      } catch {
        // Whether the execution was begun is not known: another one is asked for.
        refused++;
        await pause(AGAIN_MS);
      }
    }
  }

  const loop = async (): Promise<void> => {
    const from = performance.now();
    for (let turn = 0; !stopped; turn++) {
      const flowId = mix[Math.floor(random() * mix.length)] ?? '';
      const asked = begin(flowId, turn).finally(() => asking.delete(asked));
      asking.add(asked);
      await pause(Math.max(0, from + ((turn + 1) * 1_000) / perSecond - performance.now()));
    }
  };
  const looping = loop();
  return {
    acknowledged,
    answers,
    get refused() {
      return refused;
    },
    async stop() {
      stopped = true;
      await looping;
      await Promise.all(asking);
      agent.destroy();
    },
  };
}

/** Answers the id. @throws Error when there is no such answer in time */
function create(url: string, flowId: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}/api/v1/main/executions/test/${flowId}?wait=false`,
      {
        method: 'POST',
        agent,
        timeout: PATIENCE_MS,
        headers: { authorization: `Basic ${Buffer.from(ACCOUNT).toString('base64')}`, 'content-length': 0 },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (body += piece));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`${response.statusCode} ${body}`));
          else resolve((JSON.parse(body) as { readonly id: string }).id);
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('No answer')));
    sent.on('error', reject);
    sent.end();
  });
}
