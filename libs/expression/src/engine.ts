import { evaluate } from './evaluator.js';
import type { Engine, Run } from './run.js';
import { restoreRaw, TextSink } from './sink.js';
import { callMacro, executeBlock, executeTree } from './statements.js';
import { treeOf } from './template.js';

/** How often recursive rendering looks again before it is taken for endless. */
const ROUNDS_MAX = 100;
/** Characters whose parsing costs as much as one step. */
const UNITS_PARSED_PER_STEP = 8;

/** The evaluator as filters and functions see it. */
export const ENGINE: Engine = { evaluate, callMacro, executeBlock, renderText };

function renderText(text: string, run: Run, recursive: boolean): string {
  if (!recursive) return renderOnce(text, run);
  // Raw contents are put back only when the outermost repetition is over, or its next round would render them.
  const isOutermost = run.rawParts === undefined;
  const rawParts = (run.rawParts ??= []);
  const result = renderUntilStable(text, run);
  if (!isOutermost) return result;
  run.rawParts = undefined;
  return run.made(restoreRaw(result, rawParts));
}

function renderUntilStable(text: string, run: Run): string {
  let current = text;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const next = renderOnce(current, run);
    if (next === current) return next;
    current = next;
  }
  return run.fail('limit', `the text still changes after rendering it ${ROUNDS_MAX} times; it may contain itself`);
}

function renderOnce(text: string, run: Run): string {
  if (!text.includes('{')) return text;
  if (text.length > run.limits.templateBytes) {
    run.fail('limit', `a template of ${text.length} characters is more than the ${run.limits.templateBytes} allowed`);
  }
  // Parsing is work too: a loop of render() calls must end at the limit of steps.
  run.step(Math.ceil(text.length / UNITS_PARSED_PER_STEP));
  const { at } = run;
  const sink = new TextSink(run);
  executeTree(treeOf(text), run, sink);
  run.at = at;
  return sink.result;
}
