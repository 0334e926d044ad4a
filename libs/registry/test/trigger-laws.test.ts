import fc from 'fast-check';
import { at, Scheduled } from './trigger-harness.js';

const CRON = { cron: '*/2 * * * * *', withSeconds: true };
const START = at('10:00:00');

type Move = 'wait' | 'lose-commit' | 'restore' | 'end' | 'end-twice' | 'repeat-news';
const moves = fc.array(
  fc.constantFrom<Move[]>('wait', 'wait', 'wait', 'lose-commit', 'restore', 'end', 'end-twice', 'repeat-news'),
  { minLength: 10, maxLength: 120 },
);

/** Lets a second pass under disturbance; answers how many seconds have passed. */
function disturbed(scheduled: Scheduled, run: readonly Move[]): number {
  let passed = 0;
  const ended = new Set<string>();
  for (const move of run) {
    const open = scheduled.started.find(({ executionId }) => !ended.has(executionId));
    switch (move) {
      case 'wait':
        scheduled.runUntil(START + ++passed * 1_000);
        break;
      case 'lose-commit':
        // What is due, or news of an end, is decided and lost; it comes again.
        scheduled.crash({ kind: 'wake' });
        scheduled.runUntil(scheduled.now);
        break;
      case 'restore':
        scheduled.restore();
        break;
      case 'repeat-news':
        scheduled.repeatNews(1);
        break;
      case 'end-twice':
      case 'end':
        if (!open) break;
        ended.add(open.executionId);
        scheduled.end(open);
        if (move === 'end-twice') scheduled.end(open);
        break;
      default:
        move satisfies never;
    }
  }
  return passed;
}

const expected = (until: number): string[] =>
  Array.from({ length: Math.floor(until / 2) }, (_, index) =>
    new Date(START + (index + 1) * 2_000).toISOString().slice(11, 19),
  );

it('every date is run exactly once, whatever commits are lost and news repeated', () => {
  fc.assert(
    fc.property(moves, (run) => {
      const scheduled = new Scheduled(START);
      scheduled.save([{ ...CRON, allowConcurrent: true }]);
      const passed = disturbed(scheduled, run);
      scheduled.runUntil(START + passed * 1_000 + 900);
      expect(scheduled.dates()).toEqual(expected(passed));
      expect(new Set(scheduled.started.map(({ executionId }) => executionId)).size).toBe(scheduled.started.length);
    }),
    { numRuns: 200 },
  );
});

it('one execution at a time, and no date is left out', () => {
  fc.assert(
    fc.property(moves, (run) => {
      const scheduled = new Scheduled(START);
      scheduled.save([CRON]);
      disturbed(scheduled, run);
      const dates = scheduled.dates();
      expect(dates).toEqual(expected(dates.length * 2));
      const { executionId } = scheduled.trigger();
      if (executionId !== undefined) expect(executionId).toBe(scheduled.started.at(-1)?.executionId);
    }),
    { numRuns: 200 },
  );
});

it('the same date of the same trigger has the same id, whoever decides it', () => {
  const ids = [1, 2].map(() => {
    const scheduled = new Scheduled(START);
    scheduled.save([CRON]);
    scheduled.runUntil(START + 2_000);
    return scheduled.started[0]?.executionId;
  });
  expect(ids[0]).toBe(ids[1]);
});
