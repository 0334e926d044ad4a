import { json, text } from '../http/answer.js';
import { anonymous, self, type Route } from '../http/route.js';
import { openApiDocument } from '../http/openapi.js';
import { MAIN_TENANT } from '../http/tenant-path.js';
import { PREVIEW_ROWS } from '../configuration.js';
import type { RouteServices } from './services.js';

const VERSION = '0.1.0';

/** Routes about the server itself. `allRoutes` is what the OpenAPI document shows. */
export function instanceRoutes(services: RouteServices, allRoutes: () => readonly Route[]): readonly Route[] {
  const version = services.configuration.version ?? VERSION;
  return [...entryRoutes(version), ...healthRoutes(services), ...descriptionRoutes(services, version, allRoutes)];
}

/** The pages that say where to go, until there is a user interface. */
const entryRoutes = (version: string): readonly Route[] =>
  ['/', '/ui'].map((path) => ({
    method: 'GET',
    area: 'root',
    path,
    access: anonymous('says where to go'),
    summary: 'Where to go',
    handle: () =>
      json({
        name: 'Millrace',
        version,
        links: { api: '/api/v1', openapi: '/api/v1/openapi.json', health: '/health', setup: '/api/v1/setup' },
      }),
  }));

function healthRoutes({ health }: RouteServices): readonly Route[] {
  const anybody = anonymous('watched by machines that have no account; names nothing');
  const state = (up: boolean) => json({ status: up ? 'UP' : 'DOWN' }, up ? 200 : 503);
  const route = (path: string, summary: string, handle: Route['handle']): Route => ({
    method: 'GET',
    area: 'root',
    path,
    access: anybody,
    summary,
    handle,
  });
  return [
    route('/ping', 'Whether the server answers', () => text('pong')),
    route('/health/live', 'Whether the process should go on', () => state(health.live)),
    route('/health/ready', 'Whether requests can be served', () => state(health.ready)),
    route('/health', 'Both', () => state(health.live && health.ready)),
  ];
}

function descriptionRoutes(
  services: RouteServices,
  version: string,
  allRoutes: () => readonly Route[],
): readonly Route[] {
  const { context, configuration } = services;
  const { initialRows, maxRows } = configuration.preview ?? PREVIEW_ROWS;
  let document: object | undefined;
  return [
    {
      method: 'GET',
      area: 'root',
      path: '/metrics',
      access: self('figures of the whole server; scrapers log in with Basic'),
      summary: 'Figures in the text format of Prometheus',
      handle: async () => text(await context.metrics.render(), 'text/plain; version=0.0.4; charset=utf-8'),
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/configs',
      access: anonymous('what a client must know before it logs in'),
      summary: 'Configuration for clients',
      handle: () =>
        json({
          version,
          isAnonymousUsageEnabled: false,
          inMaintenance: services.running().maintenance()?.active === true,
          isTemplateEnabled: configuration.templates === true,
          isBasicAuthInitialized: services.running().accounts.size > 0,
          preview: { initial: initialRows, max: maxRows },
          systemNamespace: 'system',
          hiddenLabelsPrefixes: ['system.', 'internal.'],
          tenants: { enabled: false, storageByTenant: false, secretByTenant: false, default: MAIN_TENANT },
        }),
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/openapi.json',
      access: self('the same for everybody'),
      summary: 'This API as an OpenAPI 3.1 document',
      handle: () => json((document ??= openApiDocument(allRoutes(), version))),
    },
  ];
}
