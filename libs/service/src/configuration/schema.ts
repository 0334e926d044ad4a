import type { PlainObject, PluginDefault } from '@millrace/model';
import type { Secret } from '../secret.js';
import { ELASTICSEARCH_SCHEMA, INDEXER_SCHEMA } from './schema-elasticsearch.js';
import { KAFKA_SCHEMA } from './schema-kafka.js';
import { KEY_VALUE_SCHEMA } from './schema-key-values.js';

/**
 * The one description of the configuration: types, checks, defaults, `millrace configs` and the error messages come
 * from it. Names are in camel case here; files write them in kebab case (`base-path`), both are read.
 *
 * `x-secret` values become `Secret`; `format: duration` values become milliseconds; `x-plugin-defaults` is a list of maps.
 */
export const CONFIGURATION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    data: {
      type: 'object',
      additionalProperties: false,
      properties: {
        path: {
          type: 'string',
          minLength: 1,
          default: '.millrace',
          description: 'Folder of the database, internal storage and account. Relative to the working directory.',
        },
      },
    },
    queue: {
      type: 'object',
      additionalProperties: false,
      properties: {
        type: {
          type: 'string',
          enum: ['sql', 'kafka'],
          default: 'sql',
          description:
            'sql: the embedded database in the data folder, for one process; kafka: a cluster of any number.',
        },
        retention: {
          type: 'string',
          format: 'duration',
          description:
            'With Kafka: the state of an execution leaves the topics this long after its end; with `repository.type: elasticsearch` not before searches find it. Default: P7D with elasticsearch, never with sql, whose copies would lose it.',
        },
      },
    },
    kafka: KAFKA_SCHEMA,
    repository: {
      type: 'object',
      additionalProperties: false,
      properties: {
        type: {
          type: 'string',
          enum: ['sql', 'elasticsearch'],
          default: 'sql',
          description:
            'sql: the tables that the queue writes; with Kafka, a copy that each webserver keeps for itself. elasticsearch: the index that the indexer keeps, for a cluster on Kafka.',
        },
      },
    },
    elasticsearch: ELASTICSEARCH_SCHEMA,
    indexer: INDEXER_SCHEMA,
    storage: {
      type: 'object',
      additionalProperties: false,
      properties: {
        type: { type: 'string', enum: ['local'], default: 'local', description: 'Where files of executions are kept.' },
        local: {
          type: 'object',
          additionalProperties: false,
          properties: {
            basePath: {
              type: 'string',
              minLength: 1,
              description: 'Folder of the files. Default: `storage` in the data folder.',
            },
          },
        },
      },
    },
    url: {
      type: 'string',
      format: 'uri',
      description:
        'Address under which users reach the server; for links, `kestra.url`, and pages behind a proxy: their requests are accepted by this origin.',
    },
    environment: {
      type: 'object',
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1, description: 'Name of the installation: `kestra.environment`.' },
      },
    },
    variables: {
      type: 'object',
      additionalProperties: false,
      properties: {
        envVarsPrefix: {
          type: 'string',
          minLength: 1,
          default: 'ENV_',
          description:
            'Environment variables with this prefix are `envs` in expressions, without it and in lower case.',
        },
        globals: { type: 'object', additionalProperties: true, default: {}, description: '`globals` in expressions.' },
        redactedEnvVars: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          default: [],
          description:
            'Names of environment variables, with their prefix, that are left out of `envs`. Those of the server itself and of secrets always are.',
        },
        recursiveRendering: {
          type: 'boolean',
          default: false,
          description: 'Results of expressions are rendered again until nothing changes, at most 100 times.',
        },
        cacheEnabled: { type: 'boolean', default: true, description: 'Parsed expressions are kept.' },
        cacheSize: {
          type: 'integer',
          minimum: 0,
          maximum: 100_000,
          default: 1000,
          description: 'How many parsed expressions are kept.',
        },
      },
    },
    encryption: {
      type: 'object',
      additionalProperties: false,
      properties: {
        secretKey: {
          type: 'string',
          'x-secret': true,
          pattern: '^([A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{32}|[A-Za-z0-9+/]{43}=)$',
          description:
            'Base64 of 16, 24 or 32 bytes (`openssl rand -base64 32`): encrypts SECRET inputs and outputs. The same on every server; without it flows with SECRET inputs cannot be started.',
        },
      },
    },
    plugins: {
      type: 'object',
      additionalProperties: false,
      properties: {
        defaults: {
          type: 'array',
          default: [],
          'x-plugin-defaults': true,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['type'],
            properties: {
              type: { type: 'string', minLength: 1 },
              forced: { type: 'boolean' },
              values: { type: 'object', additionalProperties: true },
            },
          },
          description:
            'Values for the properties of tasks and triggers, by type or beginning of a type; flows win over them unless `forced`.',
        },
      },
    },
    templates: {
      type: 'object',
      additionalProperties: false,
      properties: {
        enabled: {
          type: 'boolean',
          default: false,
          description: 'Flows may take over the tasks of templates (deprecated; use subflows).',
        },
      },
    },
    kv: KEY_VALUE_SCHEMA,
    server: {
      type: 'object',
      additionalProperties: false,
      properties: {
        port: {
          type: 'integer',
          minimum: 0,
          maximum: 65535,
          default: 8080,
          description: 'TCP port; 0 takes a free one.',
        },
        managementPort: {
          type: 'integer',
          minimum: 0,
          maximum: 65535,
          default: 8081,
          description: 'Of servers without API (executor, worker, scheduler): health and metrics; 0 takes a free one.',
        },
        host: {
          type: 'string',
          minLength: 1,
          default: '127.0.0.1',
          description: 'Address to listen on; 0.0.0.0 is every one.',
        },
        terminationGracePeriod: {
          type: 'string',
          format: 'duration',
          default: 'PT5M',
          description: 'How long running tasks may go on after a first SIGTERM or SIGINT.',
        },
        basicAuth: {
          type: 'object',
          additionalProperties: false,
          dependencies: { password: ['username'], username: ['password'] },
          description: 'The first account; another spelling of security.super-admin.',
          properties: {
            username: { type: 'string', minLength: 1, maxLength: 256, description: 'User name of the first account.' },
            password: { type: 'string', minLength: 1, maxLength: 256, 'x-secret': true, description: 'Its password.' },
          },
        },
      },
    },
    security: {
      type: 'object',
      additionalProperties: false,
      properties: {
        superAdmin: {
          type: 'object',
          additionalProperties: false,
          dependencies: { password: ['username'], passwordFile: ['username'] },
          description: 'The first account, created when there is none. Later starts never overwrite it.',
          properties: {
            username: { type: 'string', minLength: 1, maxLength: 256, description: 'User name of the first account.' },
            password: { type: 'string', minLength: 1, maxLength: 256, 'x-secret': true, description: 'Its password.' },
            passwordFile: {
              type: 'string',
              minLength: 1,
              description: 'File that holds the password on its first line.',
            },
          },
        },
      },
    },
    worker: {
      type: 'object',
      additionalProperties: false,
      properties: {
        slots: {
          type: 'integer',
          minimum: 1,
          maximum: 10000,
          description: 'Tasks at a time. Default: two per processor.',
        },
        groupKey: {
          type: 'string',
          pattern: '^[a-zA-Z0-9][a-zA-Z0-9_-]*$',
          maxLength: 100,
          default: 'default',
          description: 'Worker group whose jobs this worker takes.',
        },
      },
    },
    localFiles: {
      type: 'object',
      additionalProperties: false,
      properties: {
        allowedPaths: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          description: 'Folders of the worker below which tasks may read `file:///` URIs. Default: none.',
        },
      },
    },
    logging: {
      type: 'object',
      additionalProperties: false,
      properties: {
        level: {
          type: 'string',
          enum: ['trace', 'debug', 'info', 'warn', 'error'],
          default: 'info',
          description: "The server's own log: entries below this level are dropped.",
        },
        format: {
          type: 'string',
          enum: ['auto', 'json', 'text'],
          default: 'auto',
          description: 'json: one object a line; text: one readable line; auto: text on a terminal, else json.',
        },
      },
    },
    metrics: {
      type: 'object',
      additionalProperties: false,
      properties: {
        process: {
          type: 'boolean',
          default: true,
          description: 'Also figures of the process: memory, CPU, event-loop delay.',
        },
      },
    },
  },
} as const;

/** Other spellings of a key: the reference's name, or the flat one. Paths in camel case. */
export const ALIASES: Readonly<Record<string, string>> = {
  'worker.maxNumThreads': 'worker.slots',
  'security.instanceOwner': 'security.superAdmin',
};

type Simplify<T> = { readonly [K in keyof T]: T[K] };
type IsGiven<S> = S extends { default: unknown } | { properties: unknown } ? true : false;

/** The type of what the loader gives for a schema node: members with a default are there, the others may be absent. */
type FromSchema<S> = S extends { additionalProperties: true }
  ? PlainObject
  : S extends { properties: infer P }
    ? Simplify<
        { [K in keyof P as IsGiven<P[K]> extends true ? K : never]: FromSchema<P[K]> } & {
          [K in keyof P as IsGiven<P[K]> extends true ? never : K]?: FromSchema<P[K]>;
        }
      >
    : S extends { 'x-secret': true }
      ? Secret
      : S extends { 'x-plugin-defaults': true }
        ? readonly PluginDefault[]
        : S extends { type: 'array' }
          ? readonly string[]
          : S extends { format: 'duration' }
            ? number
            : S extends { enum: readonly (infer Choice)[] }
              ? Choice
              : S extends { type: 'integer' }
                ? number
                : S extends { type: 'boolean' }
                  ? boolean
                  : string;

/** The whole configuration: checked, complete, frozen. */
export type Configuration = FromSchema<typeof CONFIGURATION_SCHEMA>;

/** A node of the schema, as the loader walks it. */
export interface SchemaNode {
  /** `array`: a list of texts, where a single text is one with commas; or of `PluginDefault`s. */
  readonly type: 'object' | 'string' | 'integer' | 'boolean' | 'array';
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly default?: string | number | boolean | PlainObject | readonly PluginDefault[];
  readonly enum?: readonly string[];
  readonly format?: 'duration' | 'uri';
  readonly 'x-secret'?: true;
  readonly 'x-plugin-defaults'?: true;
  readonly description?: string;
}

/** The schema's root as a plain node. */
export const CONFIGURATION_ROOT: SchemaNode = CONFIGURATION_SCHEMA;

/** True for what has no form in an environment variable. */
export const isStructured = (schema: SchemaNode): boolean =>
  schema.type === 'object' || schema['x-plugin-defaults'] === true;

/** A value of the configuration, with the path that leads to it. */
export interface Leaf {
  /** In camel case. */
  readonly path: readonly string[];
  readonly schema: SchemaNode;
}

/** Every value that can be set, in the order of the schema. */
export function configurationLeaves(
  node: SchemaNode = CONFIGURATION_ROOT,
  path: readonly string[] = [],
): readonly Leaf[] {
  if (!node.properties) return [{ path, schema: node }];
  return Object.entries(node.properties).flatMap(([name, child]) => configurationLeaves(child, [...path, name]));
}

/** `basePath` as files write it: `base-path`. */
export const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `base-path` as the schema names it: `basePath`. */
export const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A path as users write it: `storage.local.base-path`. */
export const writtenPath = (path: readonly string[]): string => path.map(kebabCase).join('.');
