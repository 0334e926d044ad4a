export type { ExpressionServices } from './expression-services.js';
export { environmentSecrets, type SecretSource } from './secrets.js';
export { createWorker, type WorkerOptions } from './worker.js';
