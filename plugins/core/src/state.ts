import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskSchema } from '@millrace/model';
import { defineTask, TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { openStateStore, type StateStore } from './state-store.js';

const address = {
  name: Type.Optional(
    Dynamic(
      Type.String({
        default: 'default',
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
        maxLength: 100,
        description: 'Name of the state.',
      }),
    ),
  ),
  namespace: Type.Optional(
    Dynamic(Type.Boolean({ default: false, description: 'One state for all flows of the namespace.' })),
  ),
  taskrunValue: Type.Optional(
    Dynamic(Type.Boolean({ default: true, description: 'In a loop, a state for each value.' })),
  ),
};

const errorOnMissing = Type.Optional(
  Dynamic(Type.Boolean({ default: false, description: 'Fail when there is no such state.' })),
);

interface Address {
  readonly name?: string;
  readonly namespace?: boolean;
  readonly taskrunValue?: boolean;
}

const storeOf = (
  { name = 'default', namespace = false, taskrunValue = true }: Address,
  { services, value }: TaskContext,
): StateStore =>
  openStateStore({
    storage: services.storage,
    ofNamespace: namespace,
    name,
    ...(taskrunValue && value !== undefined ? { value } : {}),
  });

const missing = ({ name = 'default' }: Address): TaskFailure => new TaskFailure(`There is no state '${name}'`);

/** `core.state.Get`: reads a state. */
export const getStateTask = defineTask({
  type: 'core.state.Get',
  kind: 'runnable',
  deprecated: true,
  title: 'Reads a state; use core.kv.Get.',
  schema: taskSchema({ ...address, errorOnMissing }, 'Reads what earlier executions left in a state.'),
  outputs: Type.Object({
    count: Type.Integer({ description: 'Members of the state.' }),
    data: MapOf(Type.Unknown(), { description: 'The state.' }),
  }),
  async run({ errorOnMissing: fails = false, ...where }, context) {
    const data = await storeOf(where, context).read();
    if (!data && fails) throw missing(where);
    return { outputs: { count: Object.keys(data ?? {}).length, data: data ?? {} } };
  },
});

/** `core.state.Set`: lays data over a state. */
export const setStateTask = defineTask({
  type: 'core.state.Set',
  kind: 'runnable',
  deprecated: true,
  title: 'Changes a state; use core.kv.Set.',
  schema: taskSchema(
    {
      ...address,
      data: Type.Optional(Dynamic(MapOf(Type.Unknown(), { description: 'Laid over what is in the state.' }))),
    },
    'Lays data over a state, for later executions.',
  ),
  outputs: Type.Object({
    count: Type.Integer({ description: 'Members of the state.' }),
    key: Type.String({ description: 'Where the state is kept.' }),
  }),
  async run({ data = {}, ...where }, context) {
    const store = storeOf(where, context);
    return { outputs: { count: await store.merge(data), key: store.uri } };
  },
});

/** `core.state.Delete`: deletes a state. */
export const deleteStateTask = defineTask({
  type: 'core.state.Delete',
  kind: 'runnable',
  deprecated: true,
  title: 'Deletes a state; use core.kv.Delete.',
  schema: taskSchema({ ...address, errorOnMissing }, 'Deletes a state.'),
  outputs: Type.Object({ deleted: Type.Boolean({ description: 'It was there.' }) }),
  async run({ errorOnMissing: fails = false, ...where }, context) {
    const deleted = await storeOf(where, context).remove();
    if (!deleted && fails) throw missing(where);
    return { outputs: { deleted } };
  },
});
