/** The triggers of flows, as a task reaches them. */
export interface TaskTriggers {
  /**
   * Disables or enables a trigger; resolves when its owner has done it.
   * @throws TaskFailure when there is no such trigger with a state, or nobody answered in time
   */
  setDisabled(
    trigger: { readonly namespace: string; readonly flowId: string; readonly triggerId: string },
    disabled: boolean,
  ): Promise<void>;
}
