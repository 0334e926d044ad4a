import {
  createTopics,
  flowKey,
  LATEST,
  revisionId,
  type Flow,
  type FlowChanged,
  type Reply,
  type Resource,
  type ResourceChange,
  type ResourceCommand,
  type UserAccount,
} from '@millrace/model';
import { resourceProcessor, type SlotLimitChanged } from '../src/index.js';

const processor = resourceProcessor(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));

const aFlow = (source: string): Omit<Flow, 'revision' | 'deleted' | 'updated'> => ({
  tenant: 'main',
  namespace: 'team',
  id: 'etl',
  source,
  definition: { id: 'etl', namespace: 'team', tasks: [] },
});

const aUser = (id: string, username: string): UserAccount => ({
  id,
  username,
  passwordHash: '$argon2id$…',
  passwordChangedAt: 1,
  superAdmin: true,
  status: 'ACTIVE',
  createdAt: 1,
});

/** The records of one key, and the replies to the commands that it was sent. */
class Key {
  readonly records = new Map<string, Resource>();
  readonly replies: Reply[] = [];
  readonly news: FlowChanged[] = [];
  readonly limits: SlotLimitChanged[] = [];
  #commands = 0;

  send(change: ResourceChange, commandId = `command-${++this.#commands}`): Reply['outcome'] {
    const command: ResourceCommand = { commandId, replyTo: 'webserver-1', at: 5, change };
    const state = {
      get: (id: string) => this.records.get(id),
      put: (id: string, record: Resource) => void this.records.set(id, record),
      remove: (id: string) => void this.records.delete(id),
      entries: () => this.records.entries(),
    };
    const { facts, effects } = processor.decide(state, command);
    for (const fact of facts) processor.evolve(state, fact);
    const replies = effects.filter((effect) => effect.kind === 'reply');
    expect(replies).toHaveLength(1);
    for (const { replyTo, reply } of replies) {
      expect(replyTo).toBe('webserver-1');
      this.replies.push(reply);
    }
    for (const effect of effects) {
      if (effect.kind === 'flow-changed') this.news.push(effect.event);
      if (effect.kind === 'slot-limit-changed') this.limits.push(effect.event);
    }
    const last = this.replies.at(-1);
    if (last?.commandId !== commandId) throw new Error('The command was not answered');
    return last.outcome;
  }

  save(source: string, mode: 'create' | 'update' | 'save' = 'save', expectedRevision?: number): Reply['outcome'] {
    return this.send({
      kind: 'save-flow',
      mode,
      flow: aFlow(source),
      ...(expectedRevision === undefined ? {} : { expectedRevision }),
    });
  }
}

const revisionOf = (outcome: Reply['outcome']): number | undefined =>
  outcome.kind === 'done' && outcome.resource.kind === 'flow' ? outcome.resource.flow.revision : undefined;

describe('a flow', () => {
  it('loses old revisions for good, but never the newest or one that it does not have', () => {
    const key = new Key();
    for (const source of ['a', 'b', 'c']) key.save(source);
    expect(key.send({ kind: 'delete-revisions', revisions: [1, 3] })).toMatchObject({ reason: 'invalid' });
    expect(key.send({ kind: 'delete-revisions', revisions: [1, 4] })).toMatchObject({ reason: 'unknown' });
    expect(key.records.has(revisionId(1))).toBe(true);
    const deleted = key.send({ kind: 'delete-revisions', revisions: [1, 2, 2] }, 'twice');
    expect(revisionOf(deleted)).toBe(3);
    expect([...key.records.keys()].sort()).toEqual(['commands', LATEST, revisionId(3)]);
    expect(key.send({ kind: 'delete-revisions', revisions: [1, 2, 2] }, 'twice')).toEqual(deleted);
    expect(revisionOf(key.save('d'))).toBe(4);
    expect(new Key().send({ kind: 'delete-revisions', revisions: [1] })).toMatchObject({ reason: 'unknown' });
  });

  it('gets revision 1, then one more with each change', () => {
    const key = new Key();
    expect(revisionOf(key.save('a', 'create'))).toBe(1);
    expect(revisionOf(key.save('b', 'update'))).toBe(2);
    expect([...key.records.keys()].sort()).toEqual(['commands', LATEST, revisionId(1), revisionId(2)]);
    expect(key.records.get(revisionId(1))).toMatchObject({ flow: { source: 'a', revision: 1, updated: 5 } });
  });

  it('keeps its revision when the source is the same', () => {
    const key = new Key();
    key.save('a');
    const records = new Map(key.records);
    expect(key.save('a')).toMatchObject({ kind: 'done', changed: false, resource: { flow: { revision: 1 } } });
    expect(key.records.get(LATEST)).toBe(records.get(LATEST));
  });

  it.each([
    ['is created twice', (key: Key) => key.save('b', 'create'), 'exists'],
    ['is changed from another revision than it has', (key: Key) => key.save('b', 'update', 7), 'conflict'],
  ])('is refused when it %s', (_name, command, reason) => {
    const key = new Key();
    key.save('a');
    expect(command(key)).toMatchObject({ kind: 'refused', reason });
    expect(key.records.get(LATEST)).toMatchObject({ flow: { revision: 1 } });
  });

  it('is refused when it is changed or deleted before it exists', () => {
    expect(new Key().save('a', 'update')).toMatchObject({ kind: 'refused', reason: 'unknown' });
    expect(new Key().send({ kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' })).toMatchObject({
      reason: 'unknown',
    });
  });

  it('that was deleted keeps its revisions, and goes on counting when it is created again', () => {
    const key = new Key();
    key.save('a');
    expect(key.send({ kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' })).toMatchObject({
      resource: { flow: { revision: 2, deleted: true } },
    });
    expect(key.records.get(revisionId(1))).toMatchObject({ flow: { deleted: false } });
    expect(revisionOf(key.save('a', 'create'))).toBe(3);
  });

  it('is told apart by tenant and namespace, whatever their names hold', () => {
    expect(flowKey('a', 'b/c', 'd')).not.toBe(flowKey('a/b', 'c', 'd'));
  });
});

describe('those who follow flows', () => {
  it('are told of each revision and of the deletion, once, with the change', () => {
    const key = new Key();
    key.save('a');
    key.save('a');
    key.save('b');
    key.send({ kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' }, 'last');
    key.send({ kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' }, 'last');
    expect(key.news).toEqual(
      [
        [1, false],
        [2, false],
        [3, true],
      ].map(([revision, deleted]) => ({
        kind: 'flow-changed',
        tenant: 'main',
        namespace: 'team',
        flowId: 'etl',
        revision,
        deleted,
        at: 5,
      })),
    );
  });

  it('slots are told of the limit of each revision, and keep it when the flow is deleted', () => {
    const key = new Key();
    const { definition, ...flow } = aFlow('a');
    key.send({
      kind: 'save-flow',
      mode: 'save',
      flow: { ...flow, definition: { ...definition, concurrency: { limit: 2, behavior: 'CANCEL' } } },
    });
    key.save('b');
    key.send({ kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' }, 'last');
    const changed = { kind: 'flow-changed', tenant: 'main', namespace: 'team', flowId: 'etl' };
    expect(key.limits).toEqual([
      { ...changed, revision: 1, concurrency: { limit: 2, behavior: 'CANCEL' } },
      { ...changed, revision: 2 },
    ]);
  });

  it('are not told of what is refused, nor of users', () => {
    const key = new Key();
    key.save('a', 'update');
    key.send({ kind: 'create-user', user: aUser('1', 'ann'), onlyFirst: false });
    expect(key.news).toEqual([]);
  });
});

describe('a command that comes twice', () => {
  it('changes nothing and is answered again', () => {
    const key = new Key();
    const change: ResourceChange = { kind: 'save-flow', mode: 'create', flow: aFlow('a') };
    const first = key.send(change, 'same');
    key.save('b');
    const records = new Map(key.records);
    expect(key.send(change, 'same')).toEqual(first);
    expect(key.records).toEqual(records);
  });

  it('is refused again when it was refused', () => {
    const key = new Key();
    const change: ResourceChange = { kind: 'delete-flow', tenant: 'main', namespace: 'team', id: 'etl' };
    const first = key.send(change, 'same');
    key.save('a');
    expect(key.send(change, 'same')).toEqual(first);
  });

  it('is forgotten after many others, so the record stays small', () => {
    const key = new Key();
    for (let index = 0; index < 50; index++) key.save(`source ${index}`);
    expect(key.records.get('commands')).toMatchObject({ commands: { length: 20 } });
  });
});

describe('accounts', () => {
  it('the first one is the first, and a name is taken once, in any case', () => {
    const key = new Key();
    expect(key.send({ kind: 'create-user', user: aUser('1', 'Ada@example.com'), onlyFirst: true })).toMatchObject({
      kind: 'done',
    });
    expect(key.send({ kind: 'create-user', user: aUser('2', 'bob'), onlyFirst: true })).toMatchObject({
      reason: 'exists',
    });
    expect(key.send({ kind: 'create-user', user: aUser('3', 'ada@EXAMPLE.com'), onlyFirst: false })).toMatchObject({
      reason: 'exists',
    });
    expect(key.send({ kind: 'create-user', user: aUser('4', 'bob'), onlyFirst: false })).toMatchObject({
      kind: 'done',
    });
  });

  it('get a new password', () => {
    const key = new Key();
    key.send({ kind: 'create-user', user: aUser('1', 'ada'), onlyFirst: true });
    expect(key.send({ kind: 'set-password', userId: '1', passwordHash: 'new' })).toMatchObject({
      resource: { user: { passwordHash: 'new', passwordChangedAt: 5 } },
    });
    expect(key.send({ kind: 'set-password', userId: '9', passwordHash: 'new' })).toMatchObject({ reason: 'unknown' });
  });
});
