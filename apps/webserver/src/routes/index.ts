import type { Route } from '../http/route.js';
import { executionInputRoutes } from './execution-inputs.js';
import { executionRoutes } from './executions.js';
import { fileRoutes } from './files.js';
import { flowChangeRoutes } from './flow-changes.js';
import { flowRoutes } from './flows.js';
import { instanceRoutes } from './instance.js';
import { logRoutes } from './logs.js';
import { pluginRoutes } from './plugins.js';
import type { RouteServices } from './services.js';
import { sessionRoutes } from './sessions.js';

/** Every route of the server. Fixed paths come before those with parameters in the same place. */
export function allRoutes(services: RouteServices): readonly Route[] {
  const routes: Route[] = [
    ...instanceRoutes(services, () => routes),
    ...sessionRoutes(services),
    ...pluginRoutes(services),
    ...flowRoutes(services),
    ...flowChangeRoutes(services),
    ...logRoutes(services),
    ...fileRoutes(services),
    ...executionRoutes(services),
    ...executionInputRoutes(services),
  ];
  return routes;
}
