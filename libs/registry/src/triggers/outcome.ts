import type { ExecutionWanted, LogEntry, Reply, TriggerState } from '@millrace/model';
import type { FlowTriggers } from '@millrace/schedule';
import type { TriggerFact } from './state.js';

/** What is written in the transaction of the triggers' records. */
export type TriggerEffect =
  | { readonly kind: 'start-execution'; readonly event: ExecutionWanted }
  | { readonly kind: 'reply'; readonly replyTo: string; readonly reply: Reply }
  | { readonly kind: 'write-log'; readonly entry: LogEntry };

/** What the shell looked up before a decision. */
export interface TriggerContext {
  /** Milliseconds since the epoch; never goes back within a partition. */
  readonly now: number;
  /** The placement that executions get which are started now. Absent: the first. */
  readonly placement?: number;
  /** The triggers of the revision that counts; undefined when there is none, or none is needed. */
  readonly plan: FlowTriggers | undefined;
}

/** Collects what one decision gives; later facts are seen by `trigger`. */
export class TriggerOutcome {
  readonly facts: TriggerFact[] = [];
  readonly effects: TriggerEffect[] = [];
  readonly next: readonly never[] = [];

  set(trigger: TriggerState, now: number): void {
    this.facts.push({ kind: 'trigger-set', trigger: { ...trigger, updatedDate: now } });
  }

  warn({ tenant, namespace, flowId, triggerId }: TriggerState, message: string, now: number): void {
    this.effects.push({
      kind: 'write-log',
      entry: {
        tenant,
        namespace,
        flowId,
        // Of no execution.
        executionId: '',
        triggerId,
        timestamp: now,
        level: 'WARN',
        message,
        taskRunSequence: 0,
        lineNumber: 0,
      },
    });
  }
}

/** A record without some of its members. */
export function without<Rec extends object, Name extends keyof Rec>(
  record: Rec,
  ...names: readonly Name[]
): Omit<Rec, Name> {
  const copy: Partial<Rec> = { ...record };
  for (const name of names) delete copy[name];
  return copy as Omit<Rec, Name>;
}
