/** Bounds of one flow's source. Passing one is a fault, never an exception. */
export interface FlowLimits {
  /** Size of the text in bytes of UTF-8. */
  readonly sourceBytes: number;
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
  sourceBytes: 1024 * 1024, // 1 MiB
  depth: 100,
  values: 500_000,
  tasks: 10_000,
  faults: 200,
});
