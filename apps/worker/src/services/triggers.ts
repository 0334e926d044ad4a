import { TaskFailure, type TaskTriggers } from '@millrace/plugin-api';
import { NotConfirmedError, type Commands } from '@millrace/resources';

/** Triggers of the tenant, through their owner. */
export const createTaskTriggers = (tenant: string, commands: Pick<Commands, 'trigger'>): TaskTriggers => ({
  async setDisabled(trigger, disabled) {
    try {
      const outcome = await commands.trigger({ tenant, ...trigger, change: { kind: 'set-disabled', disabled } });
      if (outcome.kind === 'refused') throw new TaskFailure(outcome.message);
    } catch (thrown) {
      if (thrown instanceof NotConfirmedError) throw new TaskFailure(thrown.message, undefined, thrown);
      throw thrown;
    }
  },
});
