import { runMeasurements, type Listener, type Measurement } from './measurements.js';
import { rowOf, type Row } from './rows.js';
import { Scope } from './scope.js';

const rowCalled = (name: string): Row => rowOf(name, 1, { gate: 2, aim: 1, unit: 's', better: 'less' }, { seconds: 1 });

/** What the listener was told, in order. */
function told(): Listener & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    begins: (name) => void lines.push(`begins ${name}`),
    row: ({ row }) => void lines.push(`row ${row}`),
    failed: ({ reason }) => void lines.push(reason),
  };
}

const NEVER = new AbortController().signal;
const quick = (name: string): Measurement => ({
  name,
  limitSeconds: 60,
  async *rows() {
    yield rowCalled(`of ${name}`);
  },
});

test('one that fails is named, what it has started is ended in the opposite order, and the next one begins', async () => {
  const listener = told();
  const failing: Measurement = {
    name: 'failing',
    limitSeconds: 60,
    async *rows(scope) {
      await scope.defer(() => listener.lines.push('ended the folder'));
      await scope.defer(() => listener.lines.push('ended the server'));
      yield rowCalled('first');
      throw new Error('the flow was refused');
    },
  };
  await runMeasurements([failing, quick('next')], listener, NEVER);
  expect(listener.lines).toEqual([
    'begins failing',
    'row first',
    'ended the server',
    'ended the folder',
    "'failing' failed: the flow was refused",
    'begins next',
    'row of next',
  ]);
});

test('one that hangs is given up at the limit of its row, and the last row before it is named', async () => {
  const listener = told();
  let serverEnds: () => void = () => undefined;
  const request = new Promise<never>((_, reject) => (serverEnds = () => reject(new Error('the server has gone'))));
  const hanging: Measurement = {
    name: 'hanging',
    limitSeconds: 0.05,
    async *rows(scope) {
      await scope.defer(serverEnds);
      yield rowCalled('first');
      await request;
    },
  };
  await runMeasurements([hanging, quick('next')], listener, NEVER);
  expect(listener.lines).toEqual([
    'begins hanging',
    'row first',
    "'hanging' failed: no row came within the 0.05 s that it has after the row 'first' of 'hanging'",
    'begins next',
    'row of next',
  ]);
});

test('an interruption ends the one that runs with all it has started, and begins no other', async () => {
  const listener = told();
  const interruption = new AbortController();
  let leave: () => void = () => undefined;
  const server = new Promise<void>((resolve) => (leave = resolve));
  const interrupted: Measurement = {
    name: 'interrupted',
    limitSeconds: 60,
    async *rows(scope) {
      await scope.defer(() => {
        listener.lines.push('ended the server');
        leave();
      });
      interruption.abort(new Error('interrupted'));
      await server;
      yield rowCalled('too late');
    },
  };
  await runMeasurements([interrupted, quick('next')], listener, interruption.signal);
  expect(listener.lines).toEqual(['begins interrupted', 'ended the server']);
});

test('what is started after the end is ended at once', async () => {
  const scope = new Scope(NEVER);
  const ended: string[] = [];
  await scope.defer(() => ended.push('early'));
  await scope.close();
  await scope.defer(() => ended.push('late'));
  expect(ended).toEqual(['early', 'late']);
});

test('what is starting when the scope is closed is ended when it has started', async () => {
  const interruption = new AbortController();
  const scope = new Scope(interruption.signal);
  const ended: string[] = [];
  let starts: (name: string) => void = () => undefined;
  const starting = new Promise<string>((resolve) => (starts = resolve));
  const started = scope.started(starting, (name) => ended.push(name));
  interruption.abort(new Error('interrupted'));
  await expect(started).rejects.toThrow('interrupted');
  const closed = scope.close();
  starts('server');
  await closed;
  expect(ended).toEqual(['server']);
});
