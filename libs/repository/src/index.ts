export * from './contract.js';
export * from './filters.js';
export * from './presentation/index.js';
