/** Bounds of one rendering. Passing one ends it with an ExpressionError of kind `limit`. */
export interface Limits {
  /** Evaluated nodes, plus one for each element or 64 characters that an operation reads or makes. */
  readonly steps: number;
  /** Length of any text made on the way and of the result, in UTF-16 units. */
  readonly outputBytes: number;
  /** Nesting of expressions, tags, macro calls, `render()` calls and of data that is walked. */
  readonly depth: number;
  /** Elements of one range (`1..n`, `range()`). */
  readonly rangeSize: number;
  /** Length of a template, in UTF-16 units. */
  readonly templateBytes: number;
  /** Calls of host functions in one template (asynchronous rendering evaluates again after each). */
  readonly hostCalls: number;
}

/** Used where the environment says nothing. Parsing has no environment: its depth and length are bounded by these. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  steps: 2_000_000,
  outputBytes: 16 * 1024 * 1024, // 16 Mi units
  depth: 256, // keeps parser and evaluator far from the end of the stack
  rangeSize: 1_000_000,
  templateBytes: 1024 * 1024, // 1 Mi units
  hostCalls: 1_000,
});
