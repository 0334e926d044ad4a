import type { Reply } from '@millrace/model';

/** Why an operation is not done. */
export type Refusal = Extract<Reply['outcome'], { kind: 'refused' }>;

/** The execution is in a state in which it cannot be done. */
export const conflict = (message: string): Refusal => ({ kind: 'refused', reason: 'conflict', message });
/** There is no such execution or task run. */
export const unknown = (message: string): Refusal => ({ kind: 'refused', reason: 'unknown', message });
/** What was asked for is wrong in itself. */
export const invalid = (message: string, faults?: Refusal['faults']): Refusal => ({
  kind: 'refused',
  reason: 'invalid',
  message,
  ...(faults === undefined ? {} : { faults }),
});
