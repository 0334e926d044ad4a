export { createSqlPart, createSqlRepository, type SqlRepositoryOptions } from './repository.js';
