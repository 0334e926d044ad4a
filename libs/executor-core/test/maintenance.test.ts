import { aFlow, Harness, works } from './harness.js';
import type { ExecutionContext } from '../src/index.js';

/** One execution whose installation may be in maintenance mode. */
class MaintainedHarness extends Harness {
  inMaintenance = true;
  override get context(): ExecutionContext {
    return { ...super.context, inMaintenance: this.inMaintenance };
  }
}

const created = (): MaintainedHarness => new MaintainedHarness(aFlow({ tasks: [works('a')] })).start();
const ended = (harness: MaintainedHarness): void =>
  void harness.send({ kind: 'maintenance-ended', tenant: 'main', executionId: 'E' });

describe('an execution that is created in maintenance mode', () => {
  it('stays CREATED, and begins once when the mode is left', () => {
    const harness = created();
    expect(harness.state.head).toMatchObject({ state: 'CREATED', awaitsMaintenance: true });
    expect(harness.jobs).toEqual([]);
    harness.inMaintenance = false;
    ended(harness);
    ended(harness);
    expect(harness.state.head.awaitsMaintenance).toBeUndefined();
    expect(harness.story).toBe('a:SUBMITTED');
    expect(harness.jobs).toHaveLength(1);
  });

  it('goes on waiting when the mode was entered anew', () => {
    const harness = created();
    ended(harness);
    expect(harness.state.head).toMatchObject({ state: 'CREATED', awaitsMaintenance: true });
  });

  it('does not begin any more when it was killed meanwhile', () => {
    const harness = created();
    harness.send({ kind: 'kill-requested', tenant: 'main', executionId: 'E' });
    harness.inMaintenance = false;
    ended(harness);
    expect(harness.state.head.state).toBe('KILLED');
    expect(harness.jobs).toEqual([]);
  });

  it('is not touched when it runs already', () => {
    const harness = new MaintainedHarness(aFlow({ tasks: [works('a'), works('b')] }));
    harness.inMaintenance = false;
    harness.start();
    harness.inMaintenance = true;
    harness.answer(harness.claim(), { state: 'SUCCESS' });
    expect(harness.story).toBe('a:SUCCESS b:SUBMITTED');
  });
});
