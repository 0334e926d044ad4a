import { startWorker, stopWorkers } from './support.js';

afterEach(stopWorkers);

describe('a worker of a group', () => {
  it('does not start when nobody has registered the group', async () => {
    await expect(startWorker({ group: 'gpu' })).rejects.toThrow(
      "There is no worker group 'gpu': register it with POST /api/v1/instance/workergroups, or start the worker with --worker-group and one of: default",
    );
  });
});
