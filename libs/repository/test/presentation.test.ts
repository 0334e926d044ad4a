import { NO_PROGRESS, type State, type TaskRun } from '@millrace/model';
import { presentTaskRun } from '../src/presentation/index.js';

const aRun = (state: State, more: Partial<TaskRun> = {}): TaskRun => ({
  kind: 'task-run',
  id: 'R',
  tenant: 'main',
  executionId: 'E',
  namespace: 'demo',
  flowId: 'f',
  taskId: 't',
  section: 'tasks',
  lane: 0,
  index: 0,
  sequence: 0,
  state,
  histories: [{ state, date: 0 }],
  attempts: [],
  revision: 1,
  ...more,
});

describe('outputs of a task run, as users see them,', () => {
  it.each([
    ['what it gave', aRun('SUCCESS', { outputs: { a: 1 } }), { a: 1 }],
    ['empty when it gave nothing', aRun('FAILED'), {}],
    ['empty for a task with children', aRun('SUCCESS', { progress: NO_PROGRESS }), {}],
    ['absent while it runs', aRun('RUNNING'), undefined],
    ['absent when it was skipped', aRun('SKIPPED'), undefined],
    ['absent when its task changes the execution', aRun('SUCCESS', { updates: true }), undefined],
  ])('are %s', (_what, run, expected) => {
    expect(presentTaskRun(run).outputs).toEqual(expected);
  });
});
