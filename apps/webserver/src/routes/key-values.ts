import {
  isoDate,
  isLiveKeyValue,
  KEY_VALUE_LIMITS,
  valueOfText,
  type KeyValue,
  type PlainObject,
} from '@millrace/model';
import type { QueryFilter, Sort } from '@millrace/repository';
import { textTest } from '../flows/search.js';
import { json, type Answer } from '../http/answer.js';
import { jsonBody, readText } from '../http/body.js';
import { HttpError, notFound, unprocessable } from '../http/errors.js';
import { filtersOf, KEY_VALUE_FLAT } from '../http/filters.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { permission, type Call, type Route } from '../http/route.js';
import { onInstant } from '../flows/instants.js';
import { durationHeader } from '../http/duration-header.js';
import type { RouteServices } from './services.js';

/** Keys that one request deletes. */
const KEYS_MAX = 1_000;
const KEYS = jsonBody<{ readonly keys: readonly string[] }>({
  type: 'object',
  required: ['keys'],
  additionalProperties: false,
  properties: { keys: { type: 'array', maxItems: KEYS_MAX, items: { type: 'string', maxLength: 256 } } },
});
/** JSON may be written with more white space than it is stored with. */
const BODY_BYTES_MAX = 4 * KEY_VALUE_LIMITS.valueLength;
const BODY_TYPES = ['text/plain', 'application/json', 'application/octet-stream'];

/** Routes of key-values. */
export function keyValueRoutes(services: RouteServices): readonly Route[] {
  return [...keyValueListRoutes(services), ...singleKeyValueRoutes(services)];
}

function keyValueListRoutes(services: RouteServices): readonly Route[] {
  const keyValues = () => services.running().keyValues;
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/kv',
      parameters: ['page', 'size', 'sort', 'q', 'namespace'],
      access: permission('KVSTORE', 'LIST', 'filter'),
      summary: 'Search the keys of all namespaces',
      async handle({ scope, query }) {
        const paging = pagingOf(query);
        const found = searchKeyValues(await keyValues().list(scope), filtersOf(query, KEY_VALUE_FLAT), paging.sort);
        const { results, total } = pageOf(found, paging);
        return json({ results: results.map(presentEntry), total });
      },
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/namespaces/:namespace/kv',
      access: permission('KVSTORE', 'LIST', 'path'),
      summary: 'The keys of a namespace',
      handle: async ({ scope, parameter }) =>
        json((await keyValues().list(scope, parameter('namespace'))).map(presentEntry)),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/namespaces/:namespace/kv/inheritance',
      access: permission('KVSTORE', 'LIST', 'path'),
      summary: 'The keys that a namespace has from those above it',
      handle: async ({ scope, parameter }) =>
        json((await keyValues().listInherited(scope, parameter('namespace'))).map(presentEntry)),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/namespaces/:namespace/kv',
      body: KEYS,
      access: permission('KVSTORE', 'DELETE', 'path'),
      summary: 'Delete keys; answers those that were there',
      async handle({ scope, request, parameter }) {
        const deleted: string[] = [];
        for (const key of new Set((await KEYS.read(request)).keys)) {
          if (await keyValues().remove(scope, parameter('namespace'), key)) deleted.push(key);
        }
        return json({ keys: deleted });
      },
    },
  ];
}

function singleKeyValueRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'tenant',
      path: '/namespaces/:namespace/kv/:keyName',
      access: permission('KVSTORE', 'VIEW', 'path'),
      summary: 'A value; 410 when it has expired',
      handle: (call) => read(services, call),
    },
    {
      method: 'PUT',
      area: 'tenant',
      path: '/namespaces/:namespace/kv/:keyName',
      body: { type: 'text/plain' },
      access: permission('KVSTORE', 'UPDATE', 'path'),
      summary: "Write a value: JSON or text; headers 'ttl' (a duration) and 'description'",
      handle: (call) => write(services, call),
    },
    {
      method: 'DELETE',
      area: 'tenant',
      path: '/namespaces/:namespace/kv/:keyName',
      access: permission('KVSTORE', 'DELETE', 'path'),
      summary: 'Delete a key; answers whether it was there',
      handle: async ({ scope, parameter }) =>
        json(await services.running().keyValues.remove(scope, parameter('namespace'), parameter('keyName'))),
    },
  ];
}

async function read({ running, context }: RouteServices, { scope, parameter }: Call): Promise<Answer> {
  const [namespace, key] = [parameter('namespace'), parameter('keyName')];
  const found = await running().keyValues.find(scope, namespace, key);
  if (!found) throw notFound(`There is no key '${key}' in namespace '${namespace}'`);
  if (!isLiveKeyValue(found, context.clock.now()))
    throw new HttpError(410, `The key '${key}' in namespace '${namespace}' has expired`);
  return json({
    type: found.type,
    value: found.value,
    revision: found.version,
    updated: isoDate(found.updatedAt),
  });
}

async function write(services: RouteServices, call: Call): Promise<Answer> {
  const { scope, request, parameter } = call;
  const [namespace, key] = [parameter('namespace'), parameter('keyName')];
  const { keyValues } = services.running();
  const ttlMs = durationHeader(request, 'ttl');
  const description = request.headers['description'];
  const typed = valueOfText(await readText(request, BODY_TYPES, BODY_BYTES_MAX));
  if (!(await keyValues.find(scope, namespace, key))) call.permit({ resource: 'KVSTORE', action: 'CREATE' }, namespace);
  await keyValues.set(scope, {
    namespace,
    key,
    ...typed,
    ...(typeof description === 'string' ? { description } : {}),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  });
  return { status: 200 };
}

const presentEntry = (keyValue: KeyValue): PlainObject => ({
  namespace: keyValue.namespace,
  key: keyValue.key,
  version: keyValue.version,
  ...(keyValue.description === undefined ? {} : { description: keyValue.description }),
  creationDate: isoDate(keyValue.createdAt),
  updateDate: isoDate(keyValue.updatedAt),
  ...(keyValue.expiresAt === undefined ? {} : { expirationDate: isoDate(keyValue.expiresAt) }),
});

type Test = (keyValue: KeyValue) => boolean;

const FILTERS: Readonly<Record<string, (filter: QueryFilter) => Test>> = {
  q(filter) {
    if (filter.operation !== 'EQUALS' && filter.operation !== 'CONTAINS')
      throw unprocessable(`The filter 'q' cannot be used with ${filter.operation}`);
    const wanted = filter.value.toLowerCase();
    return ({ namespace, key, description = '' }) =>
      [namespace, key, description].some((text) => text.toLowerCase().includes(wanted));
  },
  namespace(filter) {
    const test = textTest(filter);
    return ({ namespace }) => test(namespace);
  },
  updated(filter) {
    const test = onInstant(filter);
    return ({ updatedAt }) => test(updatedAt);
  },
  expirationDate(filter) {
    const test = onInstant(filter);
    return ({ expiresAt }) => expiresAt !== undefined && test(expiresAt);
  },
};

const SORTS: Readonly<Record<string, (keyValue: KeyValue) => string | number>> = {
  key: ({ key }) => key,
  namespace: ({ namespace }) => namespace,
  version: ({ version }) => version,
  creationDate: ({ createdAt }) => createdAt,
  updateDate: ({ updatedAt }) => updatedAt,
  expirationDate: ({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY,
};

/** @throws HttpError 422 for a filter or sort that keys do not have */
function searchKeyValues(
  all: readonly KeyValue[],
  filters: readonly QueryFilter[],
  sort: readonly Sort[],
): readonly KeyValue[] {
  const tests = filters.map((filter) => {
    const field = Object.hasOwn(FILTERS, filter.field) ? FILTERS[filter.field] : undefined;
    if (!field)
      throw unprocessable(`There is no filter '${filter.field}' here: use one of ${Object.keys(FILTERS).join(', ')}`);
    return field(filter);
  });
  const orders = sort.map(({ field, direction }) => {
    const value = Object.hasOwn(SORTS, field) ? SORTS[field] : undefined;
    if (!value) throw unprocessable(`Keys cannot be sorted by '${field}': use one of ${Object.keys(SORTS).join(', ')}`);
    return { value, sign: direction === 'asc' ? 1 : -1 };
  });
  const found = all.filter((keyValue) => tests.every((test) => test(keyValue)));
  return found.sort((one, other) => {
    for (const { value, sign } of orders) {
      const [a, b] = [value(one), value(other)];
      if (a !== b) return a < b ? -sign : sign;
    }
    return 0;
  });
}
