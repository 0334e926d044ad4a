import fc from 'fast-check';
import { decide, PERMISSIONS, RESOURCES, type Grant, type Permission, type Principal } from '../src/index.js';

const principal = (grants: readonly Grant[], rest: Partial<Principal> = {}): Principal => ({
  id: 'p1',
  username: 'ada',
  active: true,
  superAdmin: false,
  tenants: ['main'],
  grants,
  ...rest,
});

const VIEW_FLOW: Permission = { resource: 'FLOW', action: 'VIEW' };

/** Spec security.md §3.3, written out without any thought of speed. */
function naive(who: Principal, permission: Permission, tenant: string, namespace: string): boolean {
  if (!who.active || !who.tenants.includes(tenant)) return false;
  return who.grants.some((grant) => {
    if (grant.tenant !== tenant) return false;
    if (grant.namespace === undefined) return true;
    if (RESOURCES[permission.resource].scope === 'namespace') {
      return `${namespace}.`.startsWith(`${grant.namespace}.`);
    }
    return (
      ['DASHBOARD', 'BLUEPRINT', 'COPILOT'].includes(permission.resource) &&
      ['VIEW', 'LIST', 'USE'].includes(permission.action)
    );
  });
}

describe('the decision about access', () => {
  const tenants = fc.constantFrom('main', 'acme');
  const namespaces = fc.constantFrom('a', 'a.b', 'a.bc', 'a.b.c', 'b', 'ab', 'b.a');
  const grants = fc.array(
    fc.record(
      { tenant: tenants, role: fc.constant('admin' as const), namespace: namespaces },
      { requiredKeys: ['tenant', 'role'] },
    ),
    { maxLength: 4 },
  );
  const people = fc
    .record({ active: fc.boolean(), tenants: fc.uniqueArray(tenants), grants })
    .map((one) => principal(one.grants, one));

  it('equals the rule of the specification on random questions', () => {
    fc.assert(
      fc.property(
        people,
        fc.constantFrom(...PERMISSIONS),
        tenants,
        namespaces,
        (who, permission, tenant, namespace) => {
          const decision = decide(who, permission, tenant, namespace);
          expect(decision.allowed).toBe(naive(who, permission, tenant, namespace));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('grants a list exactly the rows that single questions would grant', () => {
    const byNamespace = PERMISSIONS.filter(({ resource }) => RESOURCES[resource].scope === 'namespace');
    fc.assert(
      fc.property(people, fc.constantFrom(...byNamespace), tenants, namespaces, (who, permission, tenant, row) => {
        const list = decide(who, permission, tenant);
        expect(list.allowed && list.scope.covers(row)).toBe(decide(who, permission, tenant, row).allowed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('hides a tenant from whoever has no access to it, a superadmin included', () => {
    const decision = decide(principal([], { tenants: [], superAdmin: true }), VIEW_FLOW, 'main');
    expect(decision).toMatchObject({ allowed: false, reason: 'tenant' });
  });

  it('tells what is missing, and where the caller holds it', () => {
    const decision = decide(
      principal([{ tenant: 'main', role: 'admin', namespace: 'dev' }]),
      VIEW_FLOW,
      'main',
      'prod',
    );
    expect(decision).toMatchObject({
      allowed: false,
      reason: 'permission',
      missing: [{ resource: 'FLOW', action: 'VIEW', namespace: 'prod' }],
      hint: expect.stringContaining("You hold it on 'dev'"),
    });
  });

  it('keeps the tenant of the question in the scope', () => {
    const decision = decide(principal([{ tenant: 'main', role: 'admin' }]), VIEW_FLOW, 'main', 'a.b');
    expect(decision).toMatchObject({ allowed: true, scope: { tenant: 'main', namespaces: 'ALL' } });
  });
});
