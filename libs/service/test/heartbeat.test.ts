import { LIVENESS, createTopics, type Clock, type OutgoingRecord, type ServiceEvent } from '@millrace/model';
import { createMetrics, startHeartbeat, type Heartbeat, type Logger, type ServiceContext } from '@millrace/service';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

/** A clock whose timers run when the test says so. */
function aClock(): Clock & { advance(milliseconds: number): Promise<void> } {
  let now = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    async advance(milliseconds) {
      const until = now + milliseconds;
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
        if (!next) break;
        timers = timers.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.run();
        await new Promise(setImmediate);
      }
      now = until;
    },
  };
}

describe('the heartbeat of a server', () => {
  const topics = createTopics({ executionPartitions: 1, resourcePartitions: 1 });
  let clock: ReturnType<typeof aClock>;
  let published: OutgoingRecord[];
  let isQueueDown: boolean;
  let said: string[];
  let heartbeat: Heartbeat;
  const states = (): readonly unknown[] =>
    published.map(({ value }) => {
      const event = value as ServiceEvent;
      return event.kind === 'heartbeat' ? event.service.state : event.kind;
    });

  beforeEach(async () => {
    clock = aClock();
    published = [];
    isQueueDown = false;
    said = [];
    const context: ServiceContext = { instance: 'i1', clock, log: silent, metrics: createMetrics({ process: false }) };
    let stopped = false;
    heartbeat = await startHeartbeat({
      queue: {
        publish: async (records) => {
          if (isQueueDown) throw new Error('The queue is down');
          published.push(...records);
        },
      },
      topics,
      context,
      describe: () => ({ role: 'worker', state: stopped ? 'TERMINATED_GRACEFULLY' : 'RUNNING' }),
      onLeaseLost: () => said.push('lost'),
      onLeaseOverdue: () => said.push('overdue'),
      onLeaseRegained: () => said.push('regained'),
    });
    const { stop } = heartbeat;
    heartbeat.stop = () => {
      stopped = true;
      return stop();
    };
  });

  it('is there when the server has started, and then every two seconds', async () => {
    expect(published).toHaveLength(1);
    await clock.advance(3 * LIVENESS.heartbeatMs);
    expect(states()).toEqual(['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
    expect(said).toEqual([]);
  });

  it('loses its lease when none is acknowledged in time, and is overdue after the grace', async () => {
    isQueueDown = true;
    await clock.advance(LIVENESS.leaseMs);
    expect([heartbeat.leaseHeld, said]).toEqual([false, ['lost']]);
    await clock.advance(LIVENESS.graceMs);
    expect(said).toEqual(['lost', 'overdue']);
  });

  it('regains its lease with the next one that is acknowledged', async () => {
    isQueueDown = true;
    await clock.advance(LIVENESS.leaseMs);
    isQueueDown = false;
    await clock.advance(LIVENESS.heartbeatMs);
    expect([heartbeat.leaseHeld, said.at(-1)]).toEqual([true, 'regained']);
  });

  it('tells the last state when it stops, and nothing after it', async () => {
    await heartbeat.stop();
    await clock.advance(10 * LIVENESS.heartbeatMs);
    expect(states()).toEqual(['RUNNING', 'TERMINATED_GRACEFULLY']);
    expect(said).toEqual([]);
  });

  it('stops also when the queue does not answer any more', async () => {
    isQueueDown = true;
    await expect(heartbeat.stop()).resolves.toBeUndefined();
  });
});
