export * from './clock.js';
export * from './contract.js';
