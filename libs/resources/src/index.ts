export { coalesceRefreshes } from './coalesce-refreshes.js';
export {
  createCommands,
  NotConfirmedError,
  type CommandOutcome,
  type Commands,
  type CommandsOptions,
  type Operation,
  type TriggerOperation,
} from './commands.js';
