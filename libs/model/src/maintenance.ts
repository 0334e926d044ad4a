import { keyOf } from './ids.js';

/**
 * Maintenance mode of the whole installation (spec security.md §9.4): executions are accepted and stay CREATED, workers finish
 * what they run and take nothing new.
 */
export interface Maintenance {
  readonly active: boolean;
  /** Name of the account that changed it last. */
  readonly by: string;
  /** When it was changed last, in milliseconds since the epoch. */
  readonly since: number;
}

/** Commands to the owner of the maintenance mode. Entering twice, or leaving twice, changes nothing. */
export type MaintenanceChange =
  | { readonly kind: 'enter-maintenance'; readonly by: string }
  | { readonly kind: 'exit-maintenance'; readonly by: string };

/** The one key of the maintenance mode; no tenant is called like its first part. */
export const MAINTENANCE_KEY = keyOf('_instance', 'maintenance');
