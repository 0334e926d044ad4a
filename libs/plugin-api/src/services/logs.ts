import type { LogLevel, ObservationSelection, PlainObject } from '@millrace/model';

/** Logs of the tenant's executions. */
export interface TaskLogs {
  /**
   * Entries of an execution in order, as the API shows them.
   * @param taskIds empty: of all tasks, and of none
   */
  entries(
    executionId: string,
    filter: { readonly minLevel: LogLevel; readonly taskIds: readonly string[] },
  ): AsyncIterable<PlainObject>;
  /** Removes entries for good; answers how many there were. */
  purge(selection: Omit<ObservationSelection, 'tenant'>): Promise<number>;
}
