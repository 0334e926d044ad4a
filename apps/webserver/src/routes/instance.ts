import { json, text } from '../http/answer.js';
import { anonymous, self, type Route } from '../http/route.js';
import { openApiDocument } from '../http/openapi.js';
import { MAIN_TENANT } from '../http/tenant-path.js';
import { PREVIEW_ROWS } from '../configuration.js';
import type { RouteServices } from './services.js';

const VERSION = '0.1.0';

/** Routes about the server itself. `allRoutes` is what the OpenAPI document shows. */
export function instanceRoutes(services: RouteServices, allRoutes: () => readonly Route[]): readonly Route[] {
  const { context, configuration, health } = services;
  const version = configuration.version ?? VERSION;
  let document: object | undefined;
  const state = (up: boolean) => ({ ...json({ status: up ? 'UP' : 'DOWN' }), status: up ? 200 : 503 });
  const hint = () =>
    json({
      name: 'Millrace',
      version,
      links: { api: '/api/v1', openapi: '/api/v1/openapi.json', health: '/health', setup: '/api/v1/setup' },
    });
  const WHY_HEALTH = 'watched by machines that have no account; names nothing';
  return [
    {
      method: 'GET',
      area: 'root',
      path: '/',
      access: anonymous('says where to go'),
      summary: 'Where to go',
      handle: hint,
    },
    {
      method: 'GET',
      area: 'root',
      path: '/ui',
      access: anonymous('says where to go'),
      summary: 'Where to go',
      handle: hint,
    },
    {
      method: 'GET',
      area: 'root',
      path: '/ping',
      access: anonymous(WHY_HEALTH),
      summary: 'Whether the server answers',
      handle: () => text('pong'),
    },
    {
      method: 'GET',
      area: 'root',
      path: '/health/live',
      access: anonymous(WHY_HEALTH),
      summary: 'Whether the process should go on',
      handle: () => state(health.live),
    },
    {
      method: 'GET',
      area: 'root',
      path: '/health/ready',
      access: anonymous(WHY_HEALTH),
      summary: 'Whether requests can be served',
      handle: () => state(health.ready),
    },
    {
      method: 'GET',
      area: 'root',
      path: '/health',
      access: anonymous(WHY_HEALTH),
      summary: 'Both',
      handle: () => state(health.live && health.ready),
    },
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
          isTemplateEnabled: false,
          isBasicAuthInitialized: services.running().accounts.size > 0,
          preview: {
            initial: (configuration.preview ?? PREVIEW_ROWS).initialRows,
            max: (configuration.preview ?? PREVIEW_ROWS).maxRows,
          },
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
