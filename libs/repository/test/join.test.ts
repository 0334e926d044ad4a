import * as fc from 'fast-check';
import { Scope, decide, type Principal } from '@millrace/authorization';
import { seededRandom } from '@millrace/model';
import { answers } from './all-answers.js';
import { History, Parts } from './join-cases.js';

const MAIN = Scope.system('main');

function scopeOn(namespace: string): Scope {
  const principal: Principal = {
    id: 'p',
    username: 'p',
    active: true,
    superAdmin: false,
    tenants: ['main'],
    grants: [{ tenant: 'main', role: 'admin', namespace }],
  };
  const decision = decide(principal, { resource: 'EXECUTION', action: 'LIST' }, 'main');
  if (!decision.allowed) throw new Error(decision.hint);
  return decision.scope;
}

it('two parts, an older and a newer one, answer what one that has everything answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 2 }), async (seed, overlap) => {
      const random = seededRandom(`join ${seed}`);
      const { records } = History.of(random, 60);
      const ends = new Map<string, number>();
      for (const { topic, partition, offset } of records) ends.set(`${topic.name}/${partition}`, offset + 1);
      const splits = new Map([...ends].map(([place, end]) => [place, Math.floor(random() * (end + 2))]));
      const parts = new Parts();
      try {
        const joined = parts.joined(records, splits, overlap);
        const whole = parts.whole(records);
        for (const scope of [MAIN, scopeOn('company')]) {
          const expected = await answers(whole, scope);
          for (const [asked, answer] of await answers(joined, scope)) {
            expect({ asked, answer }).toEqual({ asked, answer: expected.get(asked) });
          }
        }
      } finally {
        await parts.remove();
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);
