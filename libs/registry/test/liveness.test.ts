import { createTopics, LIVENESS, type ServiceEvent, type ServiceInstance } from '@millrace/model';
import { livenessProcessor } from '../src/index.js';

const topics = createTopics({ executionPartitions: 1, resourcePartitions: 1 });
const LEASE_AND_GRACE = LIVENESS.leaseMs + LIVENESS.graceMs;

const worker = (state: ServiceInstance['state'] = 'RUNNING'): ServiceEvent => ({
  kind: 'heartbeat',
  service: { instance: 'worker-1', role: 'worker', host: 'h', state, startedAt: 0, heartbeatAt: 0, format: 1 },
});

/** One instance's records and the processor that decides about them; time is moved by the test. */
function setting() {
  const processor = livenessProcessor(topics);
  const records = new Map<string, ServiceInstance>();
  const announced: { readonly at: number; readonly instance: string }[] = [];
  const asked: ServiceEvent[] = [];
  let behind = false;
  const state = {
    get: (id: string) => records.get(id),
    put: (id: string, record: ServiceInstance) => void records.set(id, record),
    remove: (id: string) => void records.delete(id),
    entries: () => records.entries(),
  };
  function send(now: number, input: ServiceEvent | { readonly kind: 'wake' }): void {
    const { facts, effects } = processor.decide(state, input, { now });
    for (const fact of facts) processor.evolve(state, fact);
    for (const effect of effects) {
      if (effect.kind === 'instance-lost') announced.push({ at: now, instance: effect.instance });
      else asked.push(effect);
    }
    // The question is read back at once, unless the test holds the log up.
    if (!behind) for (const question of asked.splice(0)) send(now, question);
  }
  /** Wakes whenever the instance wants to be woken, until nothing is due up to `limit`. */
  function wakeUntil(limit: number): void {
    for (let due = processor.dueAt(state); due !== undefined && due <= limit; due = processor.dueAt(state)) {
      send(due, { kind: 'wake' });
    }
  }
  const fallBehind = (): readonly ServiceEvent[] => {
    behind = true;
    return asked;
  };
  return {
    send,
    wakeUntil,
    fallBehind,
    announced,
    service: () => records.get('service'),
    isEnded: () => processor.ended(state),
  };
}

describe('an instance', () => {
  it('is lost after the lease and the grace without a heartbeat', () => {
    const { send, wakeUntil, announced, service } = setting();
    send(1_000, worker());
    wakeUntil(1_000 + LEASE_AND_GRACE - 1);
    expect(announced).toEqual([]);
    wakeUntil(1_000 + LEASE_AND_GRACE);
    expect(announced).toEqual([{ at: 1_000 + LEASE_AND_GRACE, instance: 'worker-1' }]);
    expect(service()).toMatchObject({ state: 'DISCONNECTED' });
  });

  it('lives on when a heartbeat waited for a new owner of the partition', () => {
    const { send, wakeUntil, announced, service } = setting();
    send(1_000, worker());
    // The new owner is woken for the overdue lease before it reads what waits.
    send(1_000 + LIVENESS.leaseMs + 500, { kind: 'wake' });
    send(1_000 + LIVENESS.leaseMs + 500, worker());
    wakeUntil(1_000 + LIVENESS.leaseMs + 500 + LIVENESS.leaseMs - 1);
    expect(announced).toEqual([]);
    expect(service()).toMatchObject({ state: 'RUNNING' });
  });

  it('is not lost while the processor has not read the log up to its own question', () => {
    const { send, wakeUntil, fallBehind, announced, service } = setting();
    send(1_000, worker());
    const asked = fallBehind();
    wakeUntil(60_000);
    expect(announced).toEqual([]);
    expect(asked.length).toBeGreaterThan(1);
    // What it reads next is the heartbeat that was written before the question.
    send(60_000, worker());
    for (const question of [...asked]) send(60_000, question);
    expect(announced).toEqual([]);
    expect(service()).toMatchObject({ state: 'RUNNING' });
  });

  it('gets a new lease when the processor itself stood still', () => {
    const { send, announced, service } = setting();
    send(1_000, worker());
    send(60_000, { kind: 'wake' });
    expect(announced).toEqual([]);
    expect(service()).toMatchObject({ state: 'RUNNING', seenAt: 60_000 });
  });

  it('is announced as lost once more, for what it took while it stood still, and then forgotten', () => {
    const { send, wakeUntil, announced, isEnded } = setting();
    send(1_000, worker());
    wakeUntil(1_000 + LEASE_AND_GRACE);
    expect(isEnded()).toBe(false);
    wakeUntil(600_000);
    expect(announced).toHaveLength(2);
    expect(isEnded()).toBe(true);
  });

  it('never comes back once it is lost: what it has taken since is given to others', () => {
    const { send, wakeUntil, announced, service } = setting();
    send(1_000, worker());
    wakeUntil(1_000 + LEASE_AND_GRACE);
    send(15_000, worker());
    expect(service()).toMatchObject({ state: 'DISCONNECTED' });
    expect(announced.map(({ at }) => at)).toEqual([1_000 + LEASE_AND_GRACE, 15_000]);
  });

  it('that says good-bye is lost at once', () => {
    const { send, announced, service } = setting();
    send(1_000, worker());
    send(2_000, worker('TERMINATED_GRACEFULLY'));
    expect(announced).toEqual([{ at: 2_000, instance: 'worker-1' }]);
    expect(service()).toMatchObject({ state: 'TERMINATED_GRACEFULLY' });
  });
});
