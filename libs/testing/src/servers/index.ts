export { startElasticsearch, type ElasticsearchOptions, type ElasticsearchServer } from './elasticsearch.js';
export { defaultCacheFolder } from './installation.js';
export { missingForElasticsearch, missingForKafka } from './java.js';
export { startKafka, type KafkaBroker, type KafkaOptions, type KafkaServers } from './kafka.js';
export { startSupervised, type SupervisedProcess } from './supervised-process.js';
