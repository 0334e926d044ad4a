/**
 * What the language has and this version of the engine does not run yet. To ignore it silently would change what a
 * flow does, so it is refused; with a feature comes the deletion of its line. Nothing else knows of these features.
 */
export interface UnsupportedFeature {
  readonly where: 'flow' | 'retry' | 'task' | 'flow or task';
  readonly property: string;
  /** Undefined: the property in itself. */
  readonly applies?: (value: unknown) => boolean;
  /** Begins the sentence '… is not supported by this version yet'. */
  readonly what: string;
  readonly advice: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const usesCache = (value: unknown): boolean => isObject(value) && value['enabled'] === true;

const isOtherGroup = (value: unknown): boolean => {
  const key = isObject(value) ? value['key'] : undefined;
  return typeof key === 'string' && key.trim() !== '' && key !== 'default';
};

export const UNSUPPORTED: readonly UnsupportedFeature[] = [
  { where: 'flow', property: 'concurrency', what: 'A limit of concurrent executions', advice: 'remove it' },
  { where: 'flow', property: 'sla', what: 'A service level agreement', advice: "remove it, or give tasks a 'timeout'" },
  {
    where: 'flow',
    property: 'checks',
    what: 'A check before the execution',
    advice: 'remove it, or test the inputs with a task',
  },
  { where: 'flow', property: 'listeners', what: 'A listener', advice: "use 'afterExecution'" },
  {
    where: 'retry',
    property: 'behavior',
    applies: (value) => value === 'CREATE_NEW_EXECUTION',
    what: 'A retry that creates a new execution',
    advice: 'use RETRY_FAILED_TASK',
  },
  { where: 'task', property: 'taskCache', applies: usesCache, what: 'A cache of task outputs', advice: 'remove it' },
  { where: 'task', property: 'assets', what: 'A declaration of assets', advice: 'remove it' },
  {
    where: 'flow or task',
    property: 'workerGroup',
    applies: isOtherGroup,
    what: 'A worker group other than the default one',
    advice: "remove it, or use the key 'default'",
  },
];

/** Properties that are stored but have no effect yet: a warning. */
export const WITHOUT_EFFECT: readonly { readonly property: string; readonly sentence: string }[] = [
  {
    property: 'triggers',
    sentence:
      'Triggers are stored but not evaluated by this version: start the flow by hand or by the API until they are.',
  },
];
