export {};
export { randomFlow, type RandomFlow } from './random-flow.js';
