export { ExpressionError, type ExpressionErrorKind } from './error.js';
export { variablesOf, type Environment, type HostFunctions, type Variables } from './environment.js';
export { DEFAULT_LIMITS, type Limits } from './limits.js';
export { LazyMap } from './values.js';
export { keepTemplates, parseTemplate, type Template } from './template.js';
export { ANY, CURRENT_EACH, type Analysis, type Reference, type Segment } from './references.js';
export { evaluateCondition, referencesOf, renderDeep, renderDeepTyped, renderString, renderTyped } from './render.js';
export {
  renderDeepAsync,
  renderDeepTypedAsync,
  renderStringAsync,
  renderTypedAsync,
  type AsyncEnvironment,
  type AsyncHost,
} from './async.js';
export { ERROR_LOGS_VARIABLE } from './builtins/context.js';
export {
  decryptText,
  encryptedValue,
  encryptText,
  ENCRYPTED_TYPE,
  EncryptionProblem,
  isEncryptedValue,
  keyProblem,
  type EncryptedValue,
} from './encryption.js';
export { hostParameters } from './builtins/registry.js';
