/** `kafka.*`: read when `queue.type` is `kafka`. */
export const KAFKA_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    brokers: {
      type: 'array',
      items: { type: 'string', format: 'host-port' },
      description: 'Addresses of some of the brokers, host:port; a list, or one text with commas.',
    },
    clientId: {
      type: 'string',
      minLength: 1,
      default: 'millrace',
      description: "How this server is called in the brokers' logs.",
    },
    topicPrefix: {
      type: 'string',
      pattern: '^[a-zA-Z0-9._-]*$',
      maxLength: 100,
      default: 'millrace-',
      description:
        'Before the names of topics, consumer groups and transactions: several installations share one cluster.',
    },
    partitions: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 16,
      description:
        'Of the topics keyed by execution: the most executors that share the work. A larger number adds partitions when every server is of a version that can; a smaller one changes nothing.',
    },
    replicationFactor: {
      type: 'integer',
      minimum: 1,
      maximum: 9,
      default: 1,
      description: 'Copies of each topic that is made; 3 for a cluster that may lose a broker.',
    },
    createTopics: {
      type: 'string',
      enum: ['create', 'verify'],
      default: 'create',
      description:
        'create: missing topics are made; verify: a missing topic is refused with the command that makes it.',
    },
    connectionTimeout: {
      type: 'string',
      format: 'duration',
      default: 'PT5S',
      description: 'How long a connection may take.',
    },
    requestTimeout: {
      type: 'string',
      format: 'duration',
      default: 'PT10S',
      description: 'How long an answer of a broker may take.',
    },
    consumer: {
      type: 'object',
      additionalProperties: false,
      properties: {
        sessionTimeout: {
          type: 'string',
          format: 'duration',
          default: 'PT6S',
          description: 'So long after its last sign of life the partitions of a server go to others.',
        },
        rebalanceTimeout: {
          type: 'string',
          format: 'duration',
          default: 'PT10S',
          description: 'How long the others wait for a server to take part in a new distribution.',
        },
      },
    },
    ssl: {
      type: 'object',
      additionalProperties: false,
      dependencies: { certificate: ['key'], key: ['certificate'], passphrase: ['key'] },
      properties: {
        enabled: { type: 'boolean', default: false, description: 'Connections are encrypted.' },
        ca: {
          type: 'string',
          minLength: 1,
          description: "PEM file of the authority that signed the brokers' certificates.",
        },
        certificate: { type: 'string', minLength: 1, description: "PEM file of this server's own certificate." },
        key: { type: 'string', minLength: 1, description: 'PEM file of its key.' },
        passphrase: { type: 'string', minLength: 1, 'x-secret': true, description: 'Opens the key.' },
        serverName: {
          type: 'string',
          minLength: 1,
          description: "Name in the brokers' certificates, when it is not their host's.",
        },
        rejectUnauthorized: {
          type: 'boolean',
          default: true,
          description: 'false accepts any certificate: for tries only.',
        },
      },
    },
    sasl: {
      type: 'object',
      additionalProperties: false,
      dependencies: {
        mechanism: ['username'],
        username: ['mechanism'],
        password: ['username'],
        passwordFile: ['username'],
      },
      properties: {
        mechanism: {
          type: 'string',
          enum: ['plain', 'scram-sha-256', 'scram-sha-512'],
          description: 'How this server logs in at the brokers.',
        },
        username: { type: 'string', minLength: 1, description: 'User name at the brokers.' },
        password: { type: 'string', minLength: 1, 'x-secret': true, description: 'Its password.' },
        passwordFile: { type: 'string', minLength: 1, description: 'File that holds the password on its first line.' },
      },
    },
    topics: {
      type: 'object',
      additionalProperties: true,
      default: {},
      description:
        "Kafka's settings of topics that are made, by topic without the prefix, `*` for all: `topics: {logs: {retention.ms: 86400000}}`.",
    },
  },
} as const;
