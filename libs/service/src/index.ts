export * from './clock.js';
export * from './contract.js';
export { configuredAccount, type InitialAccount } from './configuration/account.js';
export { elasticsearchSettings, type ElasticsearchSettings } from './configuration/elasticsearch.js';
export { kafkaSettings, type KafkaSettings } from './configuration/kafka.js';
export { CONFIGURATION_FILE, loadConfiguration, type ConfigurationSources } from './configuration/load.js';
export { ConfigurationError, type ConfigurationProblem } from './configuration/problem.js';
export { printConfiguration } from './configuration/print.js';
export { CONFIGURATION_SCHEMA, type Configuration } from './configuration/schema.js';
export type { Setting } from './configuration/settings.js';
export { expressionSettings, type ExpressionSettings } from './expression-settings.js';
export { serverVariables } from './server-variables.js';
export { processEnvironment, type Environment } from './environment.js';
export { createHealth, type Health, type HealthState } from './health.js';
export { startHeartbeat, type Heartbeat, type HeartbeatOptions, type ServiceDescription } from './heartbeat.js';
export {
  EXIT_FAILED,
  EXIT_FORCED,
  EXIT_STOPPED,
  runUntilSignal,
  startServices,
  type LifecycleContext,
  type RunOptions,
  type ServiceGroup,
  type SignalSource,
} from './lifecycle.js';
export { createLogger, type LoggerOptions } from './logger.js';
export { createManagementServer, type ManagementOptions, type ManagementServer } from './management.js';
export { createMetrics, type MetricsOptions } from './metrics.js';
export { Secret } from './secret.js';
