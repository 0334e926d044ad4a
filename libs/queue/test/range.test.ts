import type { ProtocolBroker } from 'kafkajs/src/cluster/index.js';
import type { Wire } from '../src/kafka/connections.js';
import { LeaderlessError } from '../src/kafka/failure.js';
import { LATEST, offsetAt } from '../src/kafka/range.js';

const refused = (type: string): Error => Object.assign(new Error(`said ${type}`), { type });

/** A broker that refuses the first look-ups of an offset, and then answers 7. */
class RefusingBroker {
  lookUps = 0;
  refreshes = 0;

  constructor(
    private readonly failure: Error,
    private readonly refusals: number,
  ) {}

  readonly wire: Wire = {
    know: () => Promise.resolve(),
    leaders: (_topic, partitions) => new Map([['1', partitions]]),
    knownLeaders: (_topic, partitions) => new Map([['1', partitions]]),
    partitionCount: () => 1,
    broker: () => Promise.resolve(this.#broker()),
    anyBroker: () => Promise.resolve(this.#broker()),
    coordinator: () => Promise.resolve(this.#broker()),
    recover: () => Promise.resolve(void this.refreshes++),
    break: () => undefined,
    close: () => Promise.resolve(),
  };

  #broker(): ProtocolBroker {
    const scripted: Pick<ProtocolBroker, 'listOffsets'> = {
      listOffsets: ({ topics }) => {
        if (this.lookUps++ < this.refusals) return Promise.reject(this.failure);
        const partitions = [{ partition: 0, offset: '7' }];
        return Promise.resolve({ responses: topics.map(({ topic }) => ({ topic, partitions })) });
      },
    };
    return scripted as ProtocolBroker;
  }
}

describe('looking up where a topic ends', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** Lets so many virtual seconds pass; what came of the look-up. */
  async function after(seconds: number, broker: RefusingBroker): Promise<unknown> {
    const found = offsetAt(broker.wire, 'resources', 0, LATEST).catch((thrown: unknown) => thrown);
    await jest.advanceTimersByTimeAsync(seconds * 1_000);
    return Promise.race([found, Promise.resolve('still waiting')]);
  }

  it.each([
    refused('NOT_LEADER_FOR_PARTITION'),
    refused('LEADER_NOT_AVAILABLE'),
    refused('UNKNOWN_TOPIC_OR_PARTITION'),
    new LeaderlessError('No broker leads every partition'),
  ])('waits for the leader of a topic that was just made, looking it up anew each time: %s', async (failure) => {
    const broker = new RefusingBroker(failure, 25);
    expect(await after(30, broker)).toBe(7);
    expect(broker.refreshes).toBe(25);
  });

  it('says after about half a minute that there is none', async () => {
    const failure = refused('NOT_LEADER_FOR_PARTITION');
    const broker = new RefusingBroker(failure, Infinity);
    expect(await after(20, broker)).toBe('still waiting');
    expect(await after(40, new RefusingBroker(failure, Infinity))).toBe(failure);
  });

  it('is less patient with what is no question of leaders, and not at all with a right that is missing', async () => {
    const broken = new Error('The connection broke');
    expect(await after(5, new RefusingBroker(broken, Infinity))).toBe(broken);
    const forbidden = refused('TOPIC_AUTHORIZATION_FAILED');
    const broker = new RefusingBroker(forbidden, Infinity);
    expect(await after(0, broker)).toBe(forbidden);
    expect(broker.lookUps).toBe(1);
  });
});
