import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';
import { KeyBehavior, namespaceChooser, patternChooser, purgedNamespaces, versionPurge } from './purge-behavior.js';

/** `core.kv.PurgeKV`: removes keys that have expired, or old versions, for good. */
export const purgeKeyValuesTask = defineTask({
  type: 'core.kv.PurgeKV',
  kind: 'runnable',
  title: 'Removes key-values for good.',
  schema: taskSchema(
    {
      keyPattern: Type.Optional(
        Dynamic(Type.String({ minLength: 1, description: 'Keys by a pattern, such as tmp_*' })),
      ),
      ...purgedNamespaces,
      behavior: Type.Optional({ ...KeyBehavior, default: { type: 'key', expiredOnly: true } }),
    },
    'Removes key-values that have expired, or old versions of them, for good.',
  ),
  outputs: Type.Object({ size: Type.Integer({ description: 'Versions that were removed.' }) }),
  async run({ keyPattern, behavior = { type: 'key' }, ...chosen }, { services, signal }) {
    const isChosen = namespaceChooser(chosen);
    const matches = patternChooser(keyPattern);
    const what =
      behavior.type === 'key'
        ? ({ whole: (behavior.expiredOnly ?? true) ? 'expired' : 'always' } as const)
        : { versions: versionPurge({ ...behavior, type: 'version' }) };
    let size = 0;
    for (const { namespace, key } of await services.keyValues.everyKey()) {
      signal.throwIfAborted();
      if (isChosen(namespace) && matches(key)) size += await services.keyValues.purge({ namespace, key }, what);
    }
    return { outputs: { size } };
  },
});
