import { EventEmitter } from 'node:events';
import {
  EXIT_FAILED,
  EXIT_FORCED,
  EXIT_STOPPED,
  runUntilSignal,
  startServices,
  systemClock,
  type Logger,
  type RunOptions,
  type Service,
} from '@millrace/service';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

interface Recorded extends Service {
  fail(error: Error): void;
}

/** A server that writes down what is asked of it. */
function aService(name: string, journal: string[], broken: Partial<Record<'start' | 'stop', string>> = {}): Recorded {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => {});
  const act = (verb: 'start' | 'stop') => async (): Promise<void> => {
    journal.push(`${verb} ${name}`);
    const problem = broken[verb];
    if (problem) throw new Error(problem);
  };
  return { name, start: act('start'), stop: act('stop'), failed, fail };
}

describe('servers of one process', () => {
  const context = { clock: systemClock, log: silent };
  let journal: string[];
  let signals: EventEmitter;
  let exits: number[];
  let failures: unknown[];
  beforeEach(() => {
    journal = [];
    signals = new EventEmitter();
    exits = [];
    failures = [];
  });
  const options = (overrides: Partial<RunOptions> = {}): RunOptions => ({
    context,
    signals,
    exitNow: (code) => exits.push(code),
    gracePeriodMs: 60_000,
    onFailure: (error) => failures.push(error),
    ...overrides,
  });

  it('start in order and stop in reverse', async () => {
    const group = await startServices(
      ['a', 'b', 'c'].map((name) => aService(name, journal)),
      { context },
    );
    await group.stop();
    expect(journal).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stop those before the one that cannot start', async () => {
    const services = [
      aService('a', journal),
      aService('b', journal, { start: 'The port is taken' }),
      aService('c', journal),
    ];
    await expect(startServices(services, { context })).rejects.toThrow('The port is taken');
    expect(journal).toEqual(['start a', 'start b', 'stop a']);
  });

  it('stop all others when one fails to stop, and say so', async () => {
    const group = await startServices([aService('a', journal), aService('b', journal, { stop: 'stuck' })], { context });
    await expect(group.stop()).rejects.toThrow('stuck');
    expect(journal).toContain('stop a');
  });

  it('stop once', async () => {
    const group = await startServices([aService('a', journal)], { context });
    await Promise.all([group.stop(), group.stop()]);
    expect(journal).toEqual(['start a', 'stop a']);
  });

  it('are ready between start and stop, and not live after a failure', async () => {
    const service = aService('a', journal);
    const group = await startServices([service], { context });
    expect(group.health).toMatchObject({ live: true, ready: true });
    service.fail(new Error('lost'));
    await expect(group.failed).rejects.toThrow('lost');
    expect(group.health).toMatchObject({ live: false, ready: false });
  });

  it.each(['SIGTERM', 'SIGINT'])('end with %s', async (signal) => {
    const ended = runUntilSignal(await startServices([aService('a', journal)], { context }), options());
    signals.emit(signal);
    expect(await ended).toBe(EXIT_STOPPED);
    expect(journal).toEqual(['start a', 'stop a']);
    expect([signals.listenerCount('SIGTERM'), signals.listenerCount('SIGINT')]).toEqual([0, 0]);
  });

  it('exit at once with a second signal', async () => {
    let release: () => void = () => {};
    const slow: Service = {
      ...aService('slow', journal),
      stop: () => new Promise<void>((resolve) => (release = resolve)),
    };
    const ended = runUntilSignal(await startServices([slow], { context }), options());
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(exits).toEqual([EXIT_FORCED]);
    await new Promise(setImmediate);
    release();
    await ended;
  });

  it('exit when the stop takes longer than the grace period', async () => {
    let release: () => void = () => {};
    const slow: Service = {
      ...aService('slow', journal),
      stop: () => new Promise<void>((resolve) => (release = resolve)),
    };
    const clock = { now: () => 0, after: (_delayMs: number, run: () => void) => (run(), () => {}) };
    const ended = runUntilSignal(
      await startServices([slow], { context }),
      options({ context: { clock, log: silent } }),
    );
    signals.emit('SIGTERM');
    await new Promise(setImmediate);
    expect(exits).toEqual([EXIT_FORCED]);
    release();
    await ended;
  });

  it('all stop when one fails, with exit code 1', async () => {
    const services = [aService('a', journal), aService('b', journal)];
    const ended = runUntilSignal(await startServices(services, { context }), options());
    services[1]?.fail(new Error('The database is gone'));
    expect(await ended).toBe(EXIT_FAILED);
    expect(failures).toEqual([new Error('The database is gone')]);
    expect(journal.slice(-2)).toEqual(['stop b', 'stop a']);
  });
});
