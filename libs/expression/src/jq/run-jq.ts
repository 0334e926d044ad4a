import type { Run } from '../run.js';
import { Break, JqError, JqSyntaxError } from './error.js';
import { Machine } from './evaluate.js';
import { parseJq } from './parser.js';
import type { Node } from './syntax.js';

/** Characters of a program: each costs a step to read. */
const PROGRAM_MAX = 20_000;
const CACHE_SIZE = 200;
const programs = new Map<string, Node>();

/**
 * All results of a jq 1.6 program for one input. A program sees nothing but its input: no environment variables, files or
 * further inputs. Its work counts as that of the expression it stands in.
 *
 * @throws ExpressionError kind `function` when the program cannot be read or fails, `limit` when it does not end
 */
export function runJq(source: string, input: unknown, run: Run): unknown[] {
  try {
    const results: unknown[] = [];
    for (const result of new Machine(run).results(programOf(source, run), input)) {
      run.step();
      results.push(finite(result));
    }
    return results;
  } catch (error) {
    if (error instanceof JqSyntaxError) {
      return run.fail('function', `the jq program '${source.slice(0, 80)}' cannot be used: ${error.message}`, error);
    }
    if (error instanceof JqError) return run.fail('function', `jq: ${error.message}`, error);
    if (error instanceof Break) return run.fail('function', 'jq: break outside of its label');
    throw error;
  }
}

function programOf(source: string, run: Run): Node {
  const known = programs.get(source);
  if (known !== undefined) return known;
  if (source.length > PROGRAM_MAX) {
    run.fail('limit', `a jq program of ${source.length} characters is more than the ${PROGRAM_MAX} allowed`);
  }
  run.step(source.length);
  const program = parseJq(source);
  if (programs.size >= CACHE_SIZE) programs.clear();
  programs.set(source, program);
  return program;
}

/** JSON has no such numbers. */
function finite(value: unknown): unknown {
  return typeof value === 'number' && Number.isNaN(value) ? null : value;
}
