import { Type } from '@sinclair/typebox';
import { Dynamic, taskSchema } from '@millrace/model';
import { defineTask } from '@millrace/plugin-api';

/** `core.trigger.Toggle`: disables or enables a trigger. */
export const toggleTask = defineTask({
  type: 'core.trigger.Toggle',
  kind: 'runnable',
  deprecated: true,
  title: 'Disables or enables a trigger.',
  schema: taskSchema(
    {
      trigger: Dynamic(Type.String({ description: 'Id of the trigger.' })),
      flowId: Type.Optional(Dynamic(Type.String({ description: 'Flow of the trigger. Default: this one.' }))),
      namespace: Type.Optional(Dynamic(Type.String({ description: 'Namespace of the flow. Default: this one.' }))),
      enabled: Type.Optional(
        Dynamic(Type.Boolean({ default: false, description: 'false disables the trigger, true enables it.' })),
      ),
    },
    'Disables or enables a trigger; what was due while it was disabled is not made up for.',
  ),
  async run({ trigger, flowId, namespace, enabled = false }, context) {
    const name = { namespace: namespace ?? context.namespace, flowId: flowId ?? context.flowId, triggerId: trigger };
    await context.services.triggers.setDisabled(name, !enabled);
    return {};
  },
});
