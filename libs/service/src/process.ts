/** What a process needs before it knows what it will do: no library is loaded with it. */
export { systemClock } from './clock.js';
export { processEnvironment, type Environment } from './environment.js';
