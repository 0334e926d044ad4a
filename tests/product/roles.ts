/** The servers that a cluster consists of, in the order in which they are started. */
export const ROLES = ['executor', 'worker', 'scheduler', 'indexer', 'webserver'] as const;
export type Role = (typeof ROLES)[number];
