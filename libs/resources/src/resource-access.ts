import type { Resource, ResourceChange } from '@millrace/model';
import type { View } from '@millrace/queue';
import type { CommandOutcome } from './commands.js';

/** How a server reaches resources: its copy of them, and the way to their owners. */
export interface ResourceAccess {
  readonly view: Pick<View<Resource>, 'get' | 'records' | 'keys' | 'onChange'>;
  /**
   * Makes the copy show what was changed before the call, by whichever server. Every read begins with it, so that what a
   * task has set is what the next one gets, on whichever worker. Calls at a time should share one look
   * (`coalesceRefreshes`).
   */
  refresh(): Promise<void>;
  /** Asks the owner of a key. */
  change(key: string, change: ResourceChange): Promise<CommandOutcome>;
}
