import { edgesAround } from '@millrace/flow';
import { Dependencies, presentTopology } from '../flows/dependencies.js';
import { json } from '../http/answer.js';
import { notFound } from '../http/errors.js';
import { permission, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Routes that tell how flows depend on each other. */
export function dependencyRoutes(services: RouteServices): readonly Route[] {
  const dependencies = new Dependencies(services.taskTypes.catalog, () => services.running().flows);
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/:namespace/:flowId/dependencies',
      parameters: ['destinationOnly', 'expandAll'],
      access: permission('FLOW', 'VIEW', 'path'),
      summary: 'What a flow depends on and what depends on it',
      handle({ parameter, query, scope, tenant }) {
        const name = { namespace: parameter('namespace'), id: parameter('flowId') };
        if (!services.running().flows.latest(scope, name.namespace, name.id))
          throw notFound(`There is no flow '${name.namespace}.${name.id}'`);
        const edges = edgesAround(dependencies.edges(scope), name, {
          destinationOnly: query.flag('destinationOnly', false),
          expandAll: query.flag('expandAll', false),
        });
        return json(presentTopology(tenant, edges, [name]));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/namespaces/:namespace/dependencies',
      parameters: ['destinationOnly'],
      access: permission('FLOW', 'LIST', 'path'),
      summary: 'How the flows of a namespace depend on others',
      handle({ parameter, query, scope, tenant }) {
        const namespace = parameter('namespace');
        const destinationOnly = query.flag('destinationOnly', false);
        const edges = dependencies
          .edges(scope)
          .filter(
            ({ source, target }) =>
              source.namespace === namespace || (!destinationOnly && target.namespace === namespace),
          );
        const own = services
          .running()
          .flows.all(scope)
          .filter((flow) => flow.namespace === namespace);
        return json(presentTopology(tenant, edges, own));
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/dependencies',
      parameters: ['destinationOnly'],
      access: permission('FLOW', 'LIST', 'filter'),
      summary: 'How all flows depend on each other',
      handle: ({ scope, tenant }) => json(presentTopology(tenant, dependencies.edges(scope))),
    },
  ];
}
