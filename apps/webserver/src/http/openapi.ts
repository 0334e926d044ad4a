import { permissionName } from '@millrace/authorization';
import type { Route } from './route.js';

const PREFIX = { tenant: '/api/v1/{tenant}', instance: '/api/v1', any: '/api/v1/{tenant}', root: '' } as const;

/** The OpenAPI 3.1 document of the routes; `x-permission` says what each one needs. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `${PREFIX[route.area]}${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, path);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, description: 'Workflow orchestration.' },
    security: [{ basic: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-millrace' },
      },
      schemas: { Error: ERROR },
    },
  };
}

const ERROR = {
  type: 'object',
  required: ['message'],
  properties: {
    message: { type: 'string' },
    _links: { type: 'object' },
    _embedded: {
      type: 'object',
      properties: {
        errors: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              message: { type: 'string' },
              path: { type: 'string' },
              line: { type: 'integer' },
              column: { type: 'integer' },
            },
          },
        },
      },
    },
  },
};

function operationOf(route: Route, path: string): object {
  const { access, body } = route;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = (route.parameters ?? []).map((name) => ({
    name,
    in: 'query',
    required: false,
    schema: { type: 'string' },
  }));
  return {
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(body && {
      requestBody: {
        content:
          'schema' in body
            ? { 'application/json': { schema: body.schema } }
            : { [body.type]: { schema: { type: 'string' } } },
      },
    }),
    responses: {
      '200': { description: 'Done' },
      default: {
        description: 'Refused',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
    ...(access.kind === 'anonymous' && { security: [] }),
    'x-permission': access.kind === 'permission' ? permissionName(access.permission) : access.kind,
  };
}
