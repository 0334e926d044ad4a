export * from './task-type.js';
