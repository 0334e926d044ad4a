import { parseTemplate } from '@millrace/flow';
import { isoDate, type FlowTemplate, type FlowTemplateSource, type PlainObject } from '@millrace/model';
import { sendTexts, type ArchivedText } from '../flows/archive.js';
import { faultsText, parseOptions } from '../flows/store-flow.js';
import { json, NO_CONTENT, type Answer } from '../http/answer.js';
import { BODY_LIMITS, jsonBody, readText, YAML_TYPES } from '../http/body.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { uploadedTexts } from './flow-archives.js';
import type { RouteServices } from './services.js';

const IDS = jsonBody<readonly { readonly namespace: string; readonly id: string }[]>({
  type: 'array',
  maxItems: 1_000,
  items: {
    type: 'object',
    required: ['namespace', 'id'],
    additionalProperties: true,
    properties: { namespace: { type: 'string', maxLength: 150 }, id: { type: 'string', maxLength: 100 } },
  },
});
/** JSON is YAML. */
const BODY_TYPES = [...YAML_TYPES, 'application/json'];

/** Routes of templates (deprecated); nothing is found without `templates.enabled`. */
export const templateRoutes = (services: RouteServices): readonly Route[] =>
  [...templateListRoutes(services), ...templateArchiveRoutes(services), ...singleTemplateRoutes(services)].map(
    (route): Route => ({
      ...route,
      handle(call) {
        if (services.configuration.templates !== true)
          throw notFound("Templates are not enabled on this installation: set 'templates.enabled', or use subflows");
        return route.handle(call);
      },
    }),
  );

function templateListRoutes(services: RouteServices): readonly Route[] {
  const templates = () => services.running().templates;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/templates/search',
      parameters: ['page', 'size', 'q', 'namespace'],
      access: permission('TEMPLATE', 'LIST', 'filter'),
      summary: 'Search templates',
      async handle({ scope, query }) {
        const [wanted, within] = [(query.text('q') ?? '').toLowerCase(), query.text('namespace') ?? ''];
        const found = (await templates().list(scope)).filter(
          ({ namespace, id }) =>
            `${namespace}.${id}`.toLowerCase().includes(wanted) &&
            (within === '' || namespace === within || namespace.startsWith(`${within}.`)),
        );
        const { results, total } = pageOf(found, pagingOf(query));
        return json({ results: results.map(present), total });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/templates/distinct-namespaces',
      access: permission('TEMPLATE', 'LIST', 'filter'),
      summary: 'Namespaces that have templates',
      handle: async ({ scope }) =>
        json([...new Set((await templates().list(scope)).map(({ namespace }) => namespace))]),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/templates/validate',
      body: { type: 'application/x-yaml' },
      access: permission('TEMPLATE', 'VIEW', 'tenant'),
      summary: 'Check the YAML of a template',
      async handle({ request }) {
        const { definition, faults } = parseTemplate(await readSource(request), parseOptions(services));
        return json([
          {
            index: 0,
            ...(definition && { namespace: definition.namespace, flow: definition.id }),
            ...(faults.length > 0 && { constraints: faultsText(faults, 'The template') }),
          },
        ]);
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/templates',
      body: { type: 'application/x-yaml' },
      access: permission('TEMPLATE', 'CREATE', 'body'),
      summary: 'Create a template from YAML or JSON',
      async handle(call) {
        const accepted = acceptedTemplate(services, await readSource(call.request));
        call.permit({ resource: 'TEMPLATE', action: 'CREATE' }, accepted.definition.namespace);
        return json(present(await save(services, call, 'create', accepted)));
      },
    },
  ];
}

function templateArchiveRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/templates/export/by-ids',
      body: IDS,
      access: permission('TEMPLATE', 'VIEW', 'each'),
      summary: 'Templates as a ZIP archive of their YAML',
      async handle({ scope, request, response }) {
        const wanted = new Set((await IDS.read(request)).map(({ namespace, id }) => `${namespace}.${id}`));
        const all = (await services.running().templates.list(scope)).filter(({ namespace, id }) =>
          wanted.has(`${namespace}.${id}`),
        );
        await sendTexts(
          response,
          'templates.zip',
          all.map(({ namespace, id, source, updatedAt }) => ({
            name: `${namespace}.${id}.yml`,
            text: source,
            date: updatedAt,
          })),
        );
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/templates/import',
      body: { type: 'multipart/form-data' },
      access: permission('TEMPLATE', 'CREATE', 'each'),
      summary:
        "Create or update templates from a file 'fileUpload', YAML or ZIP; answers the names of those that failed",
      async handle(call) {
        const failed: string[] = [];
        for (const text of await uploadedTexts(call)) {
          if (!(await imported(services, call, text))) failed.push(text.name);
        }
        return json(failed);
      },
    },
  ];
}

function singleTemplateRoutes(services: RouteServices): readonly Route[] {
  const PATH = '/templates/:namespace/:templateId';
  const templates = () => services.running().templates;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: PATH,
      access: permission('TEMPLATE', 'VIEW', 'path'),
      summary: 'One template',
      async handle({ scope, parameter }) {
        const found = await templates().find(scope, parameter('namespace'), parameter('templateId'));
        if (!found) throw missing(parameter('namespace'), parameter('templateId'));
        return json(present(found));
      },
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: PATH,
      body: { type: 'application/x-yaml' },
      access: permission('TEMPLATE', 'UPDATE', 'path'),
      summary: 'Change a template',
      handle: (call) => update(services, call),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: PATH,
      access: permission('TEMPLATE', 'DELETE', 'path'),
      summary: 'Delete a template',
      async handle({ scope, parameter }) {
        const [namespace, id] = [parameter('namespace'), parameter('templateId')];
        if (!(await templates().remove(scope, namespace, id))) throw missing(namespace, id);
        return NO_CONTENT;
      },
    },
  ];
}

const missing = (namespace: string, id: string): HttpError => notFound(`There is no template '${namespace}.${id}'`);

const readSource = (request: Call['request']): Promise<string> => readText(request, BODY_TYPES, BODY_LIMITS.flow);

interface AcceptedTemplate {
  readonly source: string;
  readonly definition: FlowTemplateSource;
}

/** @throws HttpError 422 with all faults */
function acceptedTemplate(services: RouteServices, source: string): AcceptedTemplate {
  const { definition, faults } = parseTemplate(source, parseOptions(services));
  if (definition) return { source, definition };
  throw unprocessable(
    faultsText(faults, 'The template'),
    faults.map(({ message, path, line, column }) => ({ message, path, line, column })),
  );
}

const save = (
  { running }: RouteServices,
  { scope, tenant }: Call,
  mode: 'create' | 'update' | 'save',
  { source, definition }: AcceptedTemplate,
): Promise<FlowTemplate> =>
  running().templates.save(scope, mode, {
    tenant,
    namespace: definition.namespace,
    id: definition.id,
    source,
    definition,
  });

async function update(services: RouteServices, call: Call): Promise<Answer> {
  const [namespace, id] = [call.parameter('namespace'), call.parameter('templateId')];
  const accepted = acceptedTemplate(services, await readSource(call.request));
  const { definition } = accepted;
  if (definition.id !== id || definition.namespace !== namespace) {
    throw unprocessable(
      `Id and namespace cannot change: the path says '${namespace}.${id}' and the template '${definition.namespace}.${definition.id}'`,
    );
  }
  return json(present(await save(services, call, 'update', accepted)));
}

/** False when a text is no template, or may not be imported. */
async function imported(services: RouteServices, call: Call, { text }: ArchivedText): Promise<boolean> {
  try {
    const accepted = acceptedTemplate(services, text);
    call.permit({ resource: 'TEMPLATE', action: 'CREATE' }, accepted.definition.namespace);
    await save(services, call, 'save', accepted);
    return true;
  } catch (error) {
    if (error instanceof HttpError && (error.status === 422 || error.status === 403)) return false;
    throw error;
  }
}

const present = ({ tenant, definition, source, updatedAt, deleted }: FlowTemplate): PlainObject => ({
  ...definition,
  tenantId: tenant,
  deleted,
  updated: isoDate(updatedAt),
  source,
});
