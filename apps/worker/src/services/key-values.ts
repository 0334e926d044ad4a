import { Scope } from '@millrace/authorization';
import { isLiveKeyValue, type Clock, type Job } from '@millrace/model';
import type { TaskKeyValues } from '@millrace/plugin-api';
import type { KeyValues } from '@millrace/resources';
import { plainOutputs, RECORD_BYTES_MAX } from '../plain-outputs.js';

/** Key-values as a task reaches them. */
export function createTaskKeyValues(job: Job, keyValues: KeyValues, clock: Pick<Clock, 'now'>): TaskKeyValues {
  const scope = Scope.system(job.tenant);
  return {
    async get(namespace, key) {
      const found =
        namespace === job.namespace
          ? await keyValues.findInherited(scope, namespace, key)
          : await keyValues.find(scope, namespace, key);
      return found && isLiveKeyValue(found, clock.now()) ? { value: found.value } : undefined;
    },
    async set({ value, ...written }) {
      const plain = plainOutputs({ value: value ?? null }, `value of '${written.key}'`, RECORD_BYTES_MAX);
      await keyValues.set(scope, { ...written, value: plain['value'] });
    },
    remove: (namespace, key) => keyValues.remove(scope, namespace, key),
    keys: async (namespace) => (await keyValues.list(scope, namespace)).map(({ key }) => key),
    everyKey: () => keyValues.listAll(scope),
    purge: (of, what) => keyValues.purge(scope, of, what),
  };
}
