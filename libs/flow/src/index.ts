export { type FindFlow, type FlowState } from './checks/warnings.js';
export { workerGroupFault } from './checks/worker-groups.js';
export { formatFault, pathText, type Fault, type Finding, type Path } from './fault.js';
export { compilePattern, type Pattern, type PatternResult } from './inputs/pattern.js';
export { convertOutput, convertValue, type Conversion, type ValueDeclaration } from './inputs/convert.js';
export { parseInstant } from './inputs/dates.js';
export { inputId, orderInputs, type InputOrder } from './inputs/order.js';
export { failedChecks, strongestBehavior, type FailedCheck } from './evaluate-checks.js';
export { flowLinks, type FlowLinks, type FlowName } from './graph/dependencies.js';
export { flowGraph, type GraphOptions } from './graph/draw-flow.js';
export {
  GraphTooLargeError,
  NODE_TYPES,
  type FlowGraph,
  type GraphCluster,
  type GraphEdge,
  type GraphNode,
  type Relation,
  type RelationType,
} from './graph/flow-graph.js';
export { edgesAround, topologyOf, type LinkedFlow, type TopologyEdge } from './graph/topology.js';
export { withLateDefaults } from './inputs/late.js';
export {
  examineInputs,
  resolveInputs,
  type ExaminedInput,
  type InputFault,
  type ResolvedInputs,
} from './inputs/resolve.js';
export { flowJsonSchema } from './json-schema.js';
export { labelKeyFault, labelsOf, nestByDots, nestLabels } from './labels.js';
export { DEFAULT_FLOW_LIMITS, type FlowLimits } from './limits.js';
export { withDisabled } from './edit-source.js';
export { parsePart, type FlowPart, type ParsedPart } from './parse-part.js';
export { parseTemplate, type ParsedTemplate } from './parse-template.js';
export { parseFlow, parseFlows, type ParsedFlow, type ParseOptions } from './parse-flow.js';
export { effectiveTask, effectiveTriggers, withDefaults } from './plugin-defaults.js';
export { childTasks, taskTree, type TaskNode, type TaskPlace } from './task-tree.js';
export { UNSUPPORTED, WITHOUT_EFFECT, type UnsupportedFeature } from './unsupported.js';
