import { flowKey, LATEST, revisionId, taskTypeCatalog, type Flow, type Resource } from '@millrace/model';
import { QueueError, type View } from '@millrace/queue';
import { FlowPlans } from '../src/flow-plans.js';

const NAME = { tenant: 'main', namespace: 'test', flowId: 'flow' };

const aFlow = (revision: number, more: Partial<Flow['definition']> = {}, deleted = false): Flow => ({
  tenant: 'main',
  namespace: 'test',
  id: 'flow',
  revision,
  source: '',
  definition: { id: 'flow', namespace: 'test', tasks: [], ...more },
  deleted,
  updated: 0,
});

/** A view that lags: what is committed shows when it is refreshed. */
class LaggingView {
  readonly shown = new Map<string, Resource>();
  readonly #committed: (() => void)[] = [];
  refreshes = 0;
  failures = 0;

  commit(flow: Flow): void {
    const resource: Resource = { kind: 'flow', flow };
    this.#committed.push(() => {
      this.shown.set(revisionId(flow.revision), resource);
      this.shown.set(LATEST, resource);
    });
  }

  show(): void {
    for (const apply of this.#committed.splice(0)) apply();
  }

  get view(): View<Resource> {
    const nothing = (): void => undefined;
    return {
      get: (key, id = '') => (key === flowKey('main', 'test', 'flow') ? this.shown.get(id) : undefined),
      records: () => this.shown,
      keys: () => [],
      waitFor: () => Promise.resolve(false),
      onChange: () => nothing,
      refresh: () => {
        this.refreshes++;
        if (this.failures-- > 0) return Promise.reject(new QueueError('QUEUE_UNAVAILABLE', 'no broker', true));
        this.show();
        return Promise.resolve();
      },
      close: nothing,
    };
  }
}

describe('the plan of an execution that somebody wants', () => {
  let lagging: LaggingView;
  let plans: FlowPlans;
  beforeEach(() => {
    lagging = new LaggingView();
    plans = new FlowPlans(lagging.view, taskTypeCatalog([]));
  });

  it('is that of the latest revision, at once', () => {
    lagging.commit(aFlow(1));
    lagging.commit(aFlow(2));
    lagging.show();
    expect(plans.wanted(NAME)).toMatchObject({ revision: 2 });
    expect(plans.wanted({ ...NAME, flowRevision: 1 })).toMatchObject({ revision: 1 });
    expect(lagging.refreshes).toBe(0);
  });

  it.each([
    ['there is no such flow', []],
    ['it is disabled', [aFlow(1, { disabled: true })]],
    ['it is deleted', [aFlow(1), aFlow(2, {}, true)]],
  ])('is looked for again before it is said that %s', async (_what, before) => {
    for (const flow of before) lagging.commit(flow);
    lagging.show();
    lagging.commit(aFlow(7));
    await expect(plans.wanted(NAME)).resolves.toMatchObject({ revision: 7, deleted: false });
    expect(lagging.refreshes).toBe(1);
  });

  it('waits for a store that does not answer, and then for nothing', async () => {
    lagging.failures = 3;
    await expect(plans.wanted(NAME)).resolves.toBeUndefined();
    expect(lagging.refreshes).toBe(4);
  });

  it('is not there for a revision that is not, and a deleted one for a deleted flow', async () => {
    lagging.commit(aFlow(1));
    await expect(plans.wanted({ ...NAME, flowRevision: 5 })).resolves.toBeUndefined();
    lagging.commit(aFlow(2, {}, true));
    lagging.show();
    await expect(plans.wanted({ ...NAME, flowRevision: 1 })).resolves.toMatchObject({ revision: 2, deleted: true });
  });

  it('knows whether the latest revision has slots', () => {
    expect(plans.hasSlots(NAME)).toBe(false);
    lagging.commit(aFlow(1, { concurrency: { limit: 1 } }));
    lagging.show();
    expect(plans.hasSlots(NAME)).toBe(true);
  });
});
