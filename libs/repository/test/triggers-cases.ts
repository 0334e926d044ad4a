import { Scope, decide, type Principal } from '@millrace/authorization';
import type { Repository, SearchQuery } from '../src/index.js';
import { START, triggerOf, type Filled } from './database.js';

const MAIN = Scope.system('main');

const query = (filters: SearchQuery['filters'] = [], rest: Partial<SearchQuery> = {}): SearchQuery => ({
  page: 1,
  size: 10,
  sort: [],
  filters,
  now: START,
  ...rest,
});

function scopeOn(namespace: string): Scope {
  const principal: Principal = {
    id: 'p',
    username: 'p',
    active: true,
    superAdmin: false,
    tenants: ['main'],
    grants: [{ tenant: 'main', role: 'admin', namespace }],
  };
  const decision = decide(principal, { resource: 'TRIGGER', action: 'LIST' }, 'main');
  if (!decision.allowed) throw new Error(decision.hint);
  return decision.scope;
}

/** What every repository answers of triggers. */
export function describeTriggers(name: string, create: () => Filled): void {
  describe(`triggers on ${name}`, () => {
    const database = create();
    let repository: Repository;

    beforeAll(async () => {
      database.trigger(triggerOf('daily'));
      database.trigger(triggerOf('hourly', { nextExecutionDate: START + 10_000, disabled: true, workerId: 'w1' }));
      database.trigger(triggerOf('daily', { flowId: 'import', namespace: 'company.other', executionId: 'e1' }));
      database.trigger(triggerOf('nightly', { namespace: 'system', date: START + 5 }));
      database.trigger(triggerOf('daily', { tenant: 'second' }));
      await database.written();
      repository = await database.open();
    });
    afterAll(async () => {
      await repository.close();
      await database.remove();
    });

    const found = async (
      filters: SearchQuery['filters'],
      rest: Partial<SearchQuery> = {},
      scope = MAIN,
    ): Promise<string[]> => {
      const { results, total } = await repository.searchTriggers(scope, query(filters, rest));
      expect(total).toBe(results.length);
      return results.map(({ namespace, flowId, triggerId }) => `${namespace}.${flowId}.${triggerId}`);
    };
    const ALL = [
      'company.other.import.daily',
      'company.team.report.daily',
      'company.team.report.hourly',
      'system.report.nightly',
    ];

    it.each([
      ['q', 'EQUALS', 'HOUR', ['company.team.report.hourly']],
      ['q', 'CONTAINS', 'import', ['company.other.import.daily']],
      ['namespace', 'PREFIX', 'company', ALL.slice(0, 3)],
      ['namespace', 'EQUALS', 'system', ALL.slice(3)],
      ['flowId', 'EQUALS', 'report', ALL.slice(1)],
      ['triggerId', 'IN', 'hourly,nightly', ALL.slice(2)],
      ['workerId', 'EQUALS', 'w1', ALL.slice(2, 3)],
      ['triggerState', 'EQUALS', 'DISABLED', ALL.slice(2, 3)],
      ['triggerState', 'EQUALS', 'ENABLED', [ALL[0], ALL[1], ALL[3]]],
      ['triggerState', 'NOT_EQUALS', 'ENABLED', ALL.slice(2, 3)],
      ['scope', 'IN', 'SYSTEM', ALL.slice(3)],
      ['endDate', 'LESS_THAN_OR_EQUAL_TO', new Date(START + 20_000).toISOString(), ALL.slice(2, 3)],
      ['startDate', 'GREATER_THAN_OR_EQUAL_TO', new Date(START + 60_000).toISOString(), [ALL[0], ALL[1], ALL[3]]],
    ] as const)('are found by %s %s %s', async (field, operation, value, expected) => {
      expect(await found([{ field, operation, value }])).toEqual(expected);
    });

    it('are sorted by name unless told otherwise', async () => {
      expect(await found([])).toEqual(ALL);
      expect((await found([], { sort: [{ field: 'nextExecutionDate', direction: 'asc' }] }))[0]).toBe(
        'company.team.report.hourly',
      );
      expect((await found([], { sort: [{ field: 'triggerContext.date', direction: 'desc' }] }))[0]).toBe(
        'system.report.nightly',
      );
    });

    it('come in pages', async () => {
      const { results, total } = await repository.searchTriggers(MAIN, query([], { page: 2, size: 3 }));
      expect(results.map(({ triggerId }) => triggerId)).toEqual(['nightly']);
      expect(total).toBe(4);
    });

    it('outside the scope are not there', async () => {
      expect(await found([], {}, scopeOn('company.other'))).toEqual(['company.other.import.daily']);
      const name = { namespace: 'company.team', flowId: 'report', triggerId: 'daily' };
      expect(await repository.trigger(scopeOn('company.other'), name)).toBeUndefined();
      expect(await repository.trigger(MAIN, name)).toEqual(triggerOf('daily'));
      expect(await repository.trigger(Scope.system('second'), name)).toEqual(triggerOf('daily', { tenant: 'second' }));
      expect(await repository.trigger(MAIN, { ...name, triggerId: 'none' })).toBeUndefined();
    });

    it.each([
      [query([{ field: 'state', operation: 'EQUALS', value: 'x' }]), /no filter 'state'/],
      [query([{ field: 'triggerState', operation: 'EQUALS', value: 'x' }]), /triggerState/],
      [query([{ field: 'q', operation: 'IN', value: 'x' }]), /cannot be used with IN/],
      [query([], { sort: [{ field: 'type', direction: 'asc' }] }), /cannot be sorted by 'type'/],
    ])('refuses %#', async (wrong, message) => {
      await expect(repository.searchTriggers(MAIN, wrong)).rejects.toThrow(message);
    });
  });
}
