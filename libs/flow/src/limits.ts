/** Bounds of one flow's source. Passing one is a fault, never an exception. */
export interface FlowLimits {
  /** Size of the text in bytes of UTF-8. */
  readonly sourceBytes: number;
  /** Words, signs and spaces of the text, as the parser sees them; what reading it costs grows with their number. */
  readonly tokens: number;
  /** Documents between `---` lines. */
  readonly documents: number;
  /** Lists and maps inside each other. */
  readonly depth: number;
  /** Values after anchors are expanded: what keeps a small file from becoming a huge flow. */
  readonly values: number;
  /** Tasks of all lists together. */
  readonly tasks: number;
  /** Faults reported of one flow; a last one says how many more there are. */
  readonly faults: number;
}

export const DEFAULT_FLOW_LIMITS: FlowLimits = Object.freeze({
  // A flow is stored with its text and its definition in one record of at most 900,000 characters of JSON.
  sourceBytes: 400_000,
  // About half a second of one core; a flow of 2,000 tasks with four lines each has 66,000.
  tokens: 120_000,
  documents: 100,
  depth: 100,
  values: 100_000,
  tasks: 10_000,
  faults: 200,
});
