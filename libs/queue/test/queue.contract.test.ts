import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueContract, settleHere, type MakeHarness, type Server } from '../../testing/src/queue-contract/index.js';
import { createMemoryQueue, createMemoryStore } from '../src/memory/index.js';
import { createSqlQueue } from '../src/sql/index.js';
import { startKafka, type KafkaServers } from '../../testing/src/servers/index.js';
import { describeWithKafka } from '../../testing/test/with-servers.js';
import { kafkaHarness } from './kafka-harness.js';

const adapters = (process.env['ADAPTERS'] ?? 'memory,sql,kafka').split(',');

const memory =
  (isLog: boolean): MakeHarness =>
  (clock) => {
    const store = createMemoryStore({ isLog });
    const servers: Server[] = [];
    return {
      clock,
      async start(faults) {
        const queue = createMemoryQueue({ store, clock, ...(faults === undefined ? {} : { faults }) });
        const server = { queue, kill: () => queue.kill() };
        servers.push(server);
        return server;
      },
      settle: settleHere,
      async dispose() {
        for (const { kill } of servers) kill();
      },
    };
  };

const sql: MakeHarness = (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'queue-'));
  const file = join(folder, 'millrace.db');
  const servers: Server[] = [];
  return {
    clock,
    async start(faults) {
      const queue = createSqlQueue({ file, clock, ...(faults === undefined ? {} : { faults }) });
      const server = { queue, kill: () => queue.kill() };
      servers.push(server);
      return server;
    },
    settle: settleHere,
    async dispose() {
      for (const { kill } of servers) kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

if (adapters.includes('memory')) {
  queueContract('memory', memory(false), { servers: 'several', ended: 'kept' });
  queueContract('memory as a log', memory(true), { servers: 'several', ended: 'removed' });
}
if (adapters.includes('sql')) queueContract('sql', sql, { servers: 'one', ended: 'kept' });

if (adapters.includes('kafka')) {
  describeWithKafka('on a real broker', () => {
    jest.setTimeout(120_000);
    let servers: KafkaServers | undefined;
    beforeAll(async () => {
      // Looks often for what is too old: a topic that must keep its records would lose them in these tests.
      servers = await startKafka({ properties: { 'log.retention.check.interval.ms': '1000' } });
    });
    afterAll(() => servers?.stop());
    const brokers = (): readonly string[] => servers?.addresses ?? [];
    queueContract('kafka', kafkaHarness(brokers), { servers: 'several', ended: 'removed', patience: 100_000 });
  });
}
