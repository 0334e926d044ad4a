import { Batch } from '../src/shell/batch.js';
import type { Commit } from '../src/shell/commit.js';
import { Entries, type Entry } from '../src/shell/entries.js';
import type { Topic } from '@millrace/model';

type Rec = { readonly kind: 'head' | 'part'; readonly lives?: boolean };
type State = { readonly records: { get(id: string): Rec | undefined } };

const stateTopic = (name: string): Topic<Rec> => ({
  name,
  kind: 'state',
  partitions: 1,
  decode: (stored) => stored as Rec,
});
const heads = stateTopic('heads');
const parts = stateTopic('parts');
const topicOf = (record: Rec): Topic<Rec> => (record.kind === 'head' ? heads : parts);

/** A key lives while any of its records says so. */
function entriesOf() {
  return new Entries<State & { all(): Iterable<readonly [string, Rec]> }, Rec>({
    open: (_key, records) => ({ records, all: () => records.entries() }),
    ended: (state) => ![...state.all()].some(([, record]) => record.lives === true),
    dueAt: () => undefined,
  });
}

function commitOf(
  stored: readonly (readonly [string, Rec])[],
  storedLive: boolean,
  change: (entry: Entry<State, Rec>) => void,
): Commit {
  const entries = entriesOf();
  const entry = entries.open('key', stored, storedLive);
  const batch = new Batch<State, Rec>(0, () => 0);
  change(entry);
  entries.refresh(entry);
  batch.absorb(entry, topicOf);
  return batch.commit({ processor: 'p', partition: 0, epoch: 1, appliedPosition: 1 }, topicOf, heads);
}

const putsIn = ({ states }: Commit, topic: Topic<Rec>) =>
  states.filter((changes) => changes.topic.name === topic.name).flatMap(({ puts }) => puts.map(({ id }) => id));

describe('what a commit says of the life of its keys', () => {
  const head: Rec = { kind: 'head' };
  const living: Rec = { kind: 'part', lives: true };
  const done: Rec = { kind: 'part', lives: false };

  it.each<[string, readonly (readonly [string, Rec])[], boolean, (entry: Entry<State, Rec>) => void]>([
    [
      'ends',
      [
        ['head', head],
        ['one', living],
      ],
      true,
      ({ records }) => records.put('one', done),
    ],
    [
      'lives again',
      [
        ['head', head],
        ['one', done],
      ],
      false,
      ({ records }) => records.put('one', living),
    ],
    [
      'loses what may have been the newest record there',
      [
        ['head', head],
        ['other', { kind: 'head' }],
        ['one', living],
      ],
      true,
      ({ records }) => records.remove('other'),
    ],
  ])(
    'a key that %s without a change in the first topic has a record there written again',
    (_, stored, live, change) => {
      expect(putsIn(commitOf(stored, live, change), heads)).toEqual(['head']);
    },
  );

  it('a key that changes nothing of its life has only what changed written', () => {
    const commit = commitOf(
      [
        ['head', head],
        ['one', living],
      ],
      true,
      ({ records }) => records.put('one', { kind: 'part', lives: true }),
    );
    expect(putsIn(commit, heads)).toEqual([]);
    expect(commit).toMatchObject({ live: [], ended: [] });
  });

  it('a key that never lived need not be loaded either', () => {
    expect(commitOf([], false, ({ records }) => records.put('head', head))).toMatchObject({ live: [], ended: ['key'] });
  });

  it('a key that had ended and is touched stays ended', () => {
    const commit = commitOf([['head', head]], false, ({ records }) => records.put('head', { kind: 'head' }));
    expect(commit).toMatchObject({ live: [], ended: ['key'] });
  });
});
