export { createSqlRepository, type SqlRepositoryOptions } from './repository.js';
