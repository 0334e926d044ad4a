import { ExpressionError, renderTyped, variablesOf, type Environment } from '@millrace/expression';
import { CHECK_BEHAVIORS, type Check, type FlowSource, type PlainObject } from '@millrace/model';

/** A check that does not hold. */
export interface FailedCheck {
  /** Its place in `checks`. */
  readonly index: number;
  readonly message: string;
  readonly style: NonNullable<Check['style']>;
  readonly behavior: NonNullable<Check['behavior']>;
}

/**
 * The checks of a flow that do not hold, before an execution is created (spec flow.md §8). One whose condition cannot be
 * rendered blocks.
 *
 * @param variables what the conditions may read, with the resolved `inputs`
 */
export function failedChecks(
  flow: Pick<FlowSource, 'checks'>,
  variables: PlainObject,
  environment: Environment,
): readonly FailedCheck[] {
  const seen = variablesOf(variables);
  return (flow.checks ?? []).flatMap((check, index): readonly FailedCheck[] => {
    const { condition, message, style = 'INFO', behavior = 'BLOCK_EXECUTION' } = check;
    try {
      const held = typeof condition === 'string' ? renderTyped(condition, seen, environment) : condition;
      if (isTrue(held)) return [];
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const why = `The condition of check ${index + 1} cannot be rendered: ${error.message}.`;
      return [{ index, message: why, style: 'ERROR', behavior: 'BLOCK_EXECUTION' }];
    }
    return [{ index, message: message ?? `Check ${index + 1} does not hold.`, style, behavior }];
  });
}

const isTrue = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && value.trim().toLowerCase() === 'true');

/** What the strongest of the checks that do not hold demands; undefined when all hold. */
export function strongestBehavior(failed: readonly FailedCheck[]): FailedCheck['behavior'] | undefined {
  return CHECK_BEHAVIORS.findLast((behavior) => failed.some((check) => check.behavior === behavior));
}
