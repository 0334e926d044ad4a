import type { Route } from '../http/route.js';
import { concurrencyLimitRoutes } from './concurrency-limits.js';
import { executionInputRoutes } from './execution-inputs.js';
import { executionRoutes } from './executions.js';
import { expressionRoutes } from './expressions.js';
import { fileRoutes } from './files.js';
import { deadLetterRoutes } from './dead-letters.js';
import { dependencyRoutes } from './dependencies.js';
import { flowArchiveRoutes } from './flow-archives.js';
import { flowBulkRoutes } from './flow-bulk.js';
import { flowChangeRoutes } from './flow-changes.js';
import { flowGraphRoutes } from './flow-graphs.js';
import { flowValidationRoutes } from './flow-validation.js';
import { flowRoutes } from './flows.js';
import { flowMetricRoutes } from './flow-metrics.js';
import { instanceRoutes } from './instance.js';
import { keyValueRoutes } from './key-values.js';
import { logDeletionRoutes } from './log-deletion.js';
import { maintenanceRoutes } from './maintenance.js';
import { memberRoutes } from './members.js';
import { namespaceFileRoutes } from './namespace-files.js';
import { namespaceRoutes } from './namespaces.js';
import { templateRoutes } from './templates.js';
import { logRoutes } from './logs.js';
import { pluginRoutes } from './plugins.js';
import type { RouteServices } from './services.js';
import { sessionRoutes } from './sessions.js';
import { tenantRoutes } from './tenants.js';
import { triggerBulkRoutes } from './trigger-bulk.js';
import { triggerRoutes } from './triggers.js';
import { webhookRoutes } from './webhooks.js';
import { workerGroupRoutes } from './worker-groups.js';

/** Every route of the server. Fixed paths come before those with parameters in the same place. */
export function allRoutes(services: RouteServices): readonly Route[] {
  const routes: Route[] = [
    ...instanceRoutes(services, () => routes),
    ...sessionRoutes(services),
    ...maintenanceRoutes(services),
    ...memberRoutes(services),
    ...workerGroupRoutes(services),
    ...tenantRoutes(services),
    ...deadLetterRoutes(services),
    ...pluginRoutes(services),
    ...concurrencyLimitRoutes(services),
    ...flowValidationRoutes(services),
    ...flowGraphRoutes(services),
    ...dependencyRoutes(services),
    ...flowArchiveRoutes(services),
    ...flowBulkRoutes(services),
    ...flowRoutes(services),
    ...flowChangeRoutes(services),
    ...logRoutes(services),
    ...logDeletionRoutes(services),
    ...flowMetricRoutes(services),
    ...keyValueRoutes(services),
    ...namespaceRoutes(services),
    ...namespaceFileRoutes(services),
    ...templateRoutes(services),
    ...fileRoutes(services),
    ...webhookRoutes(services),
    ...triggerRoutes(services),
    ...triggerBulkRoutes(services),
    ...expressionRoutes(services),
    ...executionRoutes(services),
    ...executionInputRoutes(services),
  ];
  return routes;
}
