import { outgoing } from '@millrace/model';
import { readFileSync } from 'node:fs';
import { plugin as scriptPlugin } from '@millrace/plugin-script';
import type { ServiceInstance } from '@millrace/model';
import { pluginOf, untilStopped } from './plugins.js';
import { aJob, startWorker, stopWorkers, topics } from './support.js';

afterEach(stopWorkers);

describe('A worker that was declared lost', () => {
  it('gives its jobs back and ends, since its id never returns', async () => {
    const { queue, worker, submit } = await startWorker({ plugins: [pluginOf(untilStopped)] });
    await submit(aJob({ type: 'test.Task' }));
    await queue.event('job-claimed');
    const value: ServiceInstance = {
      instance: 'worker-1',
      role: 'worker',
      host: 'here',
      state: 'DISCONNECTED',
      startedAt: 0,
      heartbeatAt: 0,
      format: 1,
    };
    await queue.publish([outgoing({ topic: topics.services, key: 'another', value })]);
    await queue.publish([outgoing({ topic: topics.services, key: 'worker-1', value })]);
    await expect(worker.failed).rejects.toThrow('declared lost because its heartbeats stayed away: start it again');
    await queue.event('job-handed-back');
  });
});

describe('A worker that stops while a script runs', () => {
  it('hands the job back and leaves no process behind', async () => {
    const { queue, worker, submit } = await startWorker({ plugins: [scriptPlugin], stopTimeoutMs: 0 });
    await submit(aJob({ type: 'scripts.shell.Commands', commands: ['sleep 1000 & echo $!', 'wait'] }));
    // The log is published while the task runs.
    const logged = (): string | undefined => queue.logs[0]?.message;
    while (logged() === undefined) await new Promise((resolve) => setImmediate(resolve));
    await worker.stop();
    expect(queue.events('job-handed-back')).toHaveLength(1);
    expect(queue.events('job-ended')).toEqual([]);
    const status = ((): string => {
      try {
        return readFileSync(`/proc/${logged()}/stat`, 'utf8');
      } catch {
        return 'gone';
      }
    })();
    expect(status).toMatch(/^gone$|\) [ZX] /);
  });
});
