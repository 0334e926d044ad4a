/** `elasticsearch.*`: read when `repository.type` is `elasticsearch`. */
export const ELASTICSEARCH_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    nodes: {
      type: 'array',
      items: { type: 'string', pattern: '^https?://' },
      description: 'Addresses of the nodes, https://host:9200; a list, or one text with commas.',
    },
    username: { type: 'string', minLength: 1, description: 'Account, with `password` or `password-file`.' },
    password: { type: 'string', minLength: 1, 'x-secret': true, description: 'Password of the account.' },
    passwordFile: { type: 'string', minLength: 1, description: 'File whose first line is the password.' },
    apiKey: { type: 'string', minLength: 1, 'x-secret': true, description: 'API key, instead of an account.' },
    ca: { type: 'string', minLength: 1, description: 'PEM file of the authority that signed the certificates.' },
    indexPrefix: {
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9_.-]*$',
      maxLength: 100,
      default: 'millrace-',
      description: 'Before the names of indices, aliases and templates: several installations share one cluster.',
    },
    shards: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 1,
      description: 'Primary shards of each index that is made.',
    },
    replicas: {
      type: 'integer',
      minimum: 0,
      maximum: 10,
      default: 1,
      description: 'Copies of each shard beside the primary; 0 on a single node.',
    },
    requestTimeout: {
      type: 'string',
      format: 'duration',
      default: 'PT30S',
      description: 'How long an answer may take.',
    },
    retention: {
      type: 'object',
      additionalProperties: false,
      properties: {
        executions: {
          type: 'string',
          format: 'duration',
          description: 'Ended executions are removed from the index this long after they began. Default: never.',
        },
        logs: {
          type: 'string',
          format: 'duration',
          description: 'Logs are removed when their day is this long ago. Default: never.',
        },
        metrics: {
          type: 'string',
          format: 'duration',
          description: 'Metrics are removed when their month is this long ago. Default: never.',
        },
      },
    },
  },
} as const;

/** `indexer.*`: read by the indexer. */
export const INDEXER_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    batchSize: {
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      default: 1000,
      description: 'Records that are written to the index at once.',
    },
    refreshInterval: {
      type: 'string',
      format: 'duration',
      default: 'PT0.5S',
      description: 'How often what was written is made searchable.',
    },
  },
} as const;
