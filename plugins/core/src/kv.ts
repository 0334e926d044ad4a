import { Type } from '@sinclair/typebox';
import {
  Duration,
  Dynamic,
  KEY_VALUE_KEY_PATTERN,
  KEY_VALUE_TYPES,
  taskSchema,
  typeOfValue,
  valueOfType,
  type KeyValueType,
} from '@millrace/model';
import { defineTask, parseDuration, TaskFailure } from '@millrace/plugin-api';

/** The namespace whose key-values are meant, as a property. */
export const namespaceProperty = (description = "The namespace; without it the flow's.") =>
  Type.Optional(Dynamic(Type.String({ minLength: 1, description })));

const keyProperty = Dynamic(Type.String({ pattern: KEY_VALUE_KEY_PATTERN, maxLength: 256, description: 'The key.' }));
const valueProperty = Dynamic(
  Type.Unknown({ description: 'The value; a single expression keeps the type of its result.' }),
);
const errorOnMissing = Type.Optional(
  Dynamic(Type.Boolean({ default: false, description: 'Fail when there is no such key.' })),
);

/** `core.kv.Set`: writes a key-value. */
export const setKeyValueTask = defineTask({
  type: 'core.kv.Set',
  kind: 'runnable',
  title: 'Writes a key-value.',
  schema: taskSchema(
    {
      key: keyProperty,
      value: valueProperty,
      namespace: namespaceProperty(),
      overwrite: Type.Optional(
        Dynamic(Type.Boolean({ default: true, description: 'false: fail when the key has a value.' })),
      ),
      ttl: Type.Optional(Dynamic(Duration({ description: 'How long the value can be read.' }))),
      kvDescription: Type.Optional(Dynamic(Type.String({ maxLength: 1_000, description: 'What it is, for people.' }))),
      kvType: Type.Optional(
        Dynamic(
          Type.Unsafe<KeyValueType>({
            type: 'string',
            enum: [...KEY_VALUE_TYPES],
            description: 'How a text is read; without it, it is text.',
          }),
        ),
      ),
    },
    'Writes a key-value, which any flow may read by its key in the namespace.',
  ),
  async run({ key, value, namespace, overwrite = true, ttl, kvDescription, kvType }, context) {
    const typed = kvType === undefined ? { value, type: typeOfValue(value) } : valueOfType(kvType, value);
    if ('problem' in typed) throw new TaskFailure(`The value of '${key}' ${typed.problem}, as 'kvType' wants it`);
    const ttlMs = ttl === undefined ? undefined : parseDuration(ttl);
    await context.services.keyValues.set({
      namespace: namespace ?? context.namespace,
      key,
      ...typed,
      overwrite,
      ...(kvDescription === undefined ? {} : { description: kvDescription }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    return {};
  },
});

/** `core.kv.Put`: writes a key-value, in its shortest form. */
export const putKeyValueTask = defineTask({
  type: 'core.kv.Put',
  kind: 'runnable',
  title: 'Writes a key-value.',
  schema: taskSchema(
    { key: keyProperty, value: valueProperty, namespace: namespaceProperty() },
    'Writes a key-value; core.kv.Set can do more.',
  ),
  async run({ key, value, namespace }, context) {
    const written = { namespace: namespace ?? context.namespace, key, value, type: typeOfValue(value) };
    await context.services.keyValues.set(written);
    return {};
  },
});

/** `core.kv.Get`: reads a key-value. */
export const getKeyValueTask = defineTask({
  type: 'core.kv.Get',
  kind: 'runnable',
  title: 'Reads a key-value.',
  schema: taskSchema(
    {
      key: keyProperty,
      namespace: namespaceProperty("The namespace; without it the flow's, then those above it."),
      errorOnMissing,
    },
    'Reads a key-value.',
  ),
  outputs: Type.Object({
    value: Type.Optional(Type.Unknown({ description: 'The value; there is none when the key is missing.' })),
  }),
  async run({ key, namespace = '', errorOnMissing: fails = false }, context) {
    const from = namespace === '' ? context.namespace : namespace;
    const found = await context.services.keyValues.get(from, key);
    if (!found && fails) throw new TaskFailure(`There is no key '${key}' in namespace '${from}'`);
    return { outputs: found ? { value: found.value } : {} };
  },
});

/** `core.kv.Delete`: deletes a key-value. */
export const deleteKeyValueTask = defineTask({
  type: 'core.kv.Delete',
  kind: 'runnable',
  title: 'Deletes a key-value.',
  schema: taskSchema(
    { key: keyProperty, namespace: namespaceProperty(), errorOnMissing },
    'Deletes a key-value; its versions stay until they are purged.',
  ),
  outputs: Type.Object({ deleted: Type.Boolean({ description: 'It was there.' }) }),
  async run({ key, namespace, errorOnMissing: fails = false }, context) {
    const from = namespace ?? context.namespace;
    const deleted = await context.services.keyValues.remove(from, key);
    if (!deleted && fails) throw new TaskFailure(`There is no key '${key}' in namespace '${from}'`);
    return { outputs: { deleted } };
  },
});

/** `core.kv.GetKeys`: which keys there are. */
export const getKeysTask = defineTask({
  type: 'core.kv.GetKeys',
  kind: 'runnable',
  title: 'Lists the keys of a namespace.',
  schema: taskSchema(
    {
      prefix: Type.Optional(Dynamic(Type.String({ description: 'Only keys that begin with it.' }))),
      namespace: namespaceProperty(),
    },
    'Lists the keys of a namespace.',
  ),
  outputs: Type.Object({ keys: Type.Array(Type.String(), { description: 'The keys, sorted.' }) }),
  async run({ prefix = '', namespace }, context) {
    const keys = await context.services.keyValues.keys(namespace ?? context.namespace);
    return { outputs: { keys: keys.filter((key) => key.startsWith(prefix)) } };
  },
});
