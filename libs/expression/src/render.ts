import { ENGINE } from './engine.js';
import type { Environment, Variables } from './environment.js';
import { mapTexts } from './deep.js';
import { ExpressionError } from './error.js';
import { evaluate } from './evaluator.js';
import { joinAnalyses, type Analysis } from './references.js';
import { Run } from './run.js';
import { restoreRaw, TextSink, TypedSink } from './sink.js';
import { executeTree } from './statements.js';
import { Suspended } from './suspended.js';
import { parseTemplate, treeOf, type Template } from './template.js';
import { isTruthy } from '@millrace/model';

/**
 * Renders a template to text: lists and maps as compact JSON, null and no output as the empty text.
 *
 * @throws ExpressionError, and nothing else
 */
export function renderString(template: Template | string, variables: Variables, environment: Environment): string {
  const literal = literalOf(template);
  if (literal !== undefined) return literal;
  return guarded(template, variables, environment, (run) => {
    const source = sourceOf(template);
    if (environment.recursive === true) return ENGINE.renderText(source, run, true);
    const sink = new TextSink(run);
    executeTree(treeOf(template), run, sink);
    return sink.result;
  });
}

/**
 * Renders a template and keeps the type of what it prints when that is all it prints; no output is null. What is
 * given back is plain data: lazy maps are read completely.
 *
 * @throws ExpressionError, and nothing else
 */
export function renderTyped(template: Template | string, variables: Variables, environment: Environment): unknown {
  const literal = literalOf(template);
  if (literal !== undefined) return literal;
  return guarded(template, variables, environment, (run) => {
    const recursive = environment.recursive === true;
    if (recursive) run.rawParts = [];
    const value = typedOnce(template, run);
    if (!recursive || typeof value !== 'string') return value;
    const text = ENGINE.renderText(value, run, true);
    return restoreRaw(text, run.rawParts ?? []);
  });
}

function typedOnce(template: Template | string, run: Run): unknown {
  const tree = treeOf(template);
  const [first] = tree.body;
  if (tree.body.length === 1 && first?.kind === 'print') {
    run.enter(tree.height);
    run.source = tree.source;
    const value = run.materialise(evaluate(first.expression, run));
    run.leave(tree.height);
    return value;
  }
  const sink = new TypedSink(run);
  executeTree(tree, run, sink);
  return sink.result();
}

/**
 * Renders all texts inside a value to text, keys of maps too (a key that is rendered twice keeps the first); what is
 * neither text, list nor map is given back as it is.
 *
 * @throws ExpressionError, and nothing else
 */
export function renderDeep(value: unknown, variables: Variables, environment: Environment): unknown {
  return mapTexts(value, (text) => renderString(text, variables, environment));
}

/**
 * As `renderDeep`, but each text as by `renderTyped`; keys stay text.
 *
 * @throws ExpressionError, and nothing else
 */
export function renderDeepTyped(value: unknown, variables: Variables, environment: Environment): unknown {
  const keys = (text: string): string => renderString(text, variables, environment);
  return mapTexts(value, (text) => renderTyped(text, variables, environment), keys);
}

/** Whether a condition holds: the truth (`isTruthy`) of its rendered text. */
export function evaluateCondition(
  template: string | Template,
  variables: Variables,
  environment: Environment,
): boolean {
  return isTruthy(renderTyped(template, variables, environment));
}

/** What all templates inside a value need together. @throws ExpressionError when one of them cannot be parsed */
export function referencesOf(value: unknown): Analysis {
  const analyses: Analysis[] = [];
  const collect = (text: string): string => {
    if (text.includes('{')) analyses.push(parseTemplate(text));
    return text;
  };
  mapTexts(value, collect);
  return joinAnalyses(analyses);
}

/** The text itself when there is nothing to render. */
function literalOf(template: Template | string): string | undefined {
  if (typeof template === 'string') return template.includes('{') ? undefined : template;
  return template.isLiteral ? template.source : undefined;
}

function sourceOf(template: Template | string): string {
  return typeof template === 'string' ? template : template.source;
}

/** Every failure leaves as an ExpressionError, whatever a host's variables or a library threw. */
function guarded<T>(
  template: Template | string,
  variables: Variables,
  environment: Environment,
  render: (run: Run) => T,
): T {
  const run = new Run(variables, environment, ENGINE);
  const source = sourceOf(template);
  if (source.length > run.limits.templateBytes) {
    run.fail('limit', `a template of ${source.length} characters is more than the ${run.limits.templateBytes} allowed`);
  }
  try {
    return render(run);
  } catch (error) {
    if (error instanceof ExpressionError || error instanceof Suspended) throw error;
    if (error instanceof RangeError) return run.fail('limit', `too much to evaluate: ${error.message}`, error);
    return run.fail('function', error instanceof Error ? error.message : 'the evaluation failed', error);
  }
}
