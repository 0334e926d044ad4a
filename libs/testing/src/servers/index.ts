export { defaultCacheFolder } from './installation.js';
export { missingForKafka } from './java.js';
export { startKafka, type KafkaBroker, type KafkaOptions, type KafkaServers } from './kafka.js';
