export { startHeartbeat, type Heartbeat, type HeartbeatOptions, type ServiceDescription } from './heartbeat.js';
export { environmentSecrets, type SecretSource } from './secrets.js';
export { createWorker, type WorkerOptions } from './worker.js';
