import { isTerminal, type ExecutionRecord, type TaskRun } from '@millrace/model';
import type { ExecutionRecords } from '@millrace/repository';

type Kind<Name extends ExecutionRecord['kind']> = Extract<ExecutionRecord, { kind: Name }>;

/** The records of one execution as they come by, newest of each kept: what a look-up would answer, without one. */
export class SeenRecords {
  #head: Kind<'head'> | undefined;
  #created: Kind<'created'> | undefined;
  #variables: Kind<'variables'> | undefined;
  readonly #taskRuns = new Map<string, TaskRun>();

  add(record: ExecutionRecord | TaskRun): void {
    switch (record.kind) {
      case 'head':
        this.#head = record;
        return;
      case 'created':
        this.#created = record;
        return;
      case 'variables':
        this.#variables = record;
        return;
      case 'task-run':
        this.#taskRuns.set(record.id, record);
        return;
      case 'values':
      case 'ended-items':
      case 'item-outputs':
      case 'dag':
      case 'errors':
      case 'held':
        return;
      default:
        return record satisfies never;
    }
  }

  /** A task run is no more. */
  remove(taskRunId: string): void {
    this.#taskRuns.delete(taskRunId);
  }

  /** The ended execution, if all of it was seen: as many task runs as its head counts, each in its final state. */
  ended(): ExecutionRecords | undefined {
    const [head, created] = [this.#head, this.#created];
    if (!head || !created || !isTerminal(head.state) || this.#taskRuns.size !== head.sequence) return undefined;
    // Which of those that came by were removed again is not told here.
    if (head.removed !== undefined) return undefined;
    const taskRuns = [...this.#taskRuns.values()].sort((a, b) => a.sequence - b.sequence);
    if (!taskRuns.every(({ state }) => isTerminal(state))) return undefined;
    return { head, created, ...(this.#variables && { variables: this.#variables }), taskRuns };
  }
}
