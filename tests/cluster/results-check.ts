import { plain, text, type Plain } from './plain.js';

/**
 * A result counts only when its token is that of the newest claim that was written before it. What a task run shows in the
 * end must be such a result; results tell themselves apart by an output that no two runs share.
 */
export class ResultsCheck {
  readonly #claims = new Map<string, string>();
  readonly #counting = new Map<string, Set<string>>();
  #results = 0;
  #staleResults = 0;

  /** An event of an execution, in the order of its partition. */
  see(event: Plain): void {
    if (event['kind'] !== 'job-claimed' && event['kind'] !== 'job-ended') return;
    const run = `${text(event['executionId'])} ${text(event['taskRunId'])}`;
    const attempt = `${run} ${String(event['attempt'])}`;
    if (event['kind'] === 'job-claimed') {
      this.#claims.set(attempt, text(event['token']));
      return;
    }
    this.#results++;
    if (this.#claims.get(attempt) !== text(event['token'])) {
      this.#staleResults++;
      return;
    }
    const mark = markOf(plain(event['outcome'])['outputs']);
    if (mark !== '') this.#counting.set(run, (this.#counting.get(run) ?? new Set()).add(mark));
  }

  finish(
    runs: ReadonlyMap<string, Plain>,
    violations: string[],
  ): { readonly results: number; readonly staleResults: number } {
    for (const [name, run] of runs) {
      const mark = markOf(run['outputs']);
      if (mark !== '' && this.#counting.get(name)?.has(mark) !== true)
        violations.push(`${text(run['taskId'])} of ${text(run['executionId'])} shows a result that was not current`);
    }
    return { results: this.#results, staleResults: this.#staleResults };
  }
}

const markOf = (outputs: unknown): string => text(plain(plain(outputs)['vars'])['by']);
