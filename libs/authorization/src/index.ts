export * from './decide.js';
export * from './permissions.js';
export * from './principal.js';
export * from './scope.js';
