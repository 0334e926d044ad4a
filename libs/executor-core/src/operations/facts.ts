import type { ExecutionRecord, Label } from '@millrace/model';
import type { OwnerId } from '../facts.js';

/** What became true of an execution because somebody asked for it. */
export type OperationFact =
  | { readonly kind: 'command-accepted'; readonly commandId: string }
  /** A timer of the execution itself; undefined removes it. */
  | { readonly kind: 'timer-set'; readonly name: string; readonly at: number | undefined }
  /** It goes on, in another attempt if that `counts`; why it had failed, and its outputs, are of the time before. */
  | { readonly kind: 'execution-restarted'; readonly counts: boolean }
  /** A task run begins anew: what it had found, taken and counted is gone; its attempts stay. */
  | { readonly kind: 'task-run-reset'; readonly taskRunId: string }
  /** An owner goes on in its list `tasks`. */
  | { readonly kind: 'lanes-set'; readonly owner: OwnerId; readonly nextLane: number; readonly openLanes: number }
  | { readonly kind: 'labels-set'; readonly labels: readonly Label[] }
  | { readonly kind: 'execution-deleted' }
  /** Records of a copy. */
  | { readonly kind: 'records-taken'; readonly records: Readonly<Record<string, ExecutionRecord>> }
  /** Gone with all that their parents counted of them; the generation grows, so that their ids are never used again. */
  | { readonly kind: 'task-runs-removed'; readonly taskRunIds: readonly string[] };
