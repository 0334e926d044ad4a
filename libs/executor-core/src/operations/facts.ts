import type { ExecutionRecord, Label } from '@millrace/model';
import type { OwnerId } from '../facts.js';

/** What became true of an execution because somebody asked for it. */
export type OperationFact =
  | { readonly kind: 'command-accepted'; readonly commandId: string }
  /** It goes on, in another attempt if that `counts`; why it had failed, and its outputs, are of the time before. */
  | { readonly kind: 'execution-restarted'; readonly counts: boolean }
  /** After a restart: it is RUNNING, or what it waits for says. */
  | { readonly kind: 'restart-settled'; readonly at: number }
  /** A task run begins anew: what it had found, taken and counted is gone; its attempts stay. */
  | { readonly kind: 'task-run-reset'; readonly taskRunId: string }
  /** An owner goes on in its list `tasks`. */
  | { readonly kind: 'lanes-set'; readonly owner: OwnerId; readonly nextLane: number; readonly openLanes: number }
  /** A Dag goes on: its lanes in order, by the places of their tasks, and how much each task need not wait for any more. */
  | {
      readonly kind: 'dag-rebuilt';
      readonly taskRunId: string;
      readonly order: readonly number[];
      readonly ended: readonly number[];
      /** Of the children that are there. */
      readonly lanes: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'labels-set'; readonly labels: readonly Label[] }
  | { readonly kind: 'execution-deleted' }
  /** Somebody who follows the log has not seen these records: they are written again. */
  | { readonly kind: 'records-shown'; readonly ids: readonly string[] }
  /** Records of a snapshot; `begins`: those that were there go. `awaits`: others of this snapshot are still to come. */
  | {
      readonly kind: 'records-taken';
      readonly records: Readonly<Record<string, ExecutionRecord>>;
      readonly begins?: boolean;
      readonly awaits?: string;
    };
