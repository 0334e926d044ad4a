import type { Clock } from '@millrace/model';
import type { TakenJob } from '@millrace/queue';

/** Why an attempt is stopped from outside. */
export type StopReason =
  | { readonly kind: 'killed' }
  | { readonly kind: 'timed-out'; readonly after: string }
  /** The worker stops, or has lost its lease: another worker shall run the job. */
  | { readonly kind: 'handed-back' };

/** How long a task may take to stop after it was told to, in milliseconds; scripts kill their processes within it. */
export const STOP_GRACE_MS = 8_000;

/** An attempt that this worker runs. */
export interface Attempt {
  readonly taken: TakenJob;
  /** Aborted when the attempt is to stop. */
  readonly signal: AbortSignal;
  /** The first reason for which it was stopped. */
  readonly reason: StopReason | undefined;
  /** Tells the task to stop; only the first call counts. */
  stop(reason: StopReason): void;
  /** Resolves when the task was told to stop and its time to do so is over; at once when it is handed back. */
  readonly overdue: Promise<StopReason>;
  /** Frees the timer. */
  close(): void;
}

export function createAttempt(taken: TakenJob, clock: Clock, graceMs = STOP_GRACE_MS): Attempt {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  let cancel: (() => void) | undefined;
  let becomeOverdue: (reason: StopReason) => void = () => undefined;
  const overdue = new Promise<StopReason>((resolve) => {
    becomeOverdue = resolve;
  });
  return {
    taken,
    signal: controller.signal,
    overdue,
    get reason() {
      return reason;
    },
    stop(why) {
      if (reason) return;
      reason = why;
      controller.abort(new Error(`The attempt was stopped: ${why.kind}`));
      if (why.kind === 'handed-back') becomeOverdue(why);
      else cancel = clock.after(graceMs, () => becomeOverdue(why));
    },
    close: () => cancel?.(),
  };
}
