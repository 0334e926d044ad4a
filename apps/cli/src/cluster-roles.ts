/** The servers that run as processes of their own. */
export const CLUSTER_ROLES = ['executor', 'worker', 'scheduler', 'indexer', 'webserver'] as const;
export type ClusterRole = (typeof CLUSTER_ROLES)[number];
