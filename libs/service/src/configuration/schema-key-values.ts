/** The part `kv` of the configuration: key-values. */
export const KEY_VALUE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    purgeExpired: {
      type: 'object',
      additionalProperties: false,
      properties: {
        enabled: {
          type: 'boolean',
          default: true,
          description: 'Key-values that have expired are removed from time to time.',
        },
        initialDelay: {
          type: 'string',
          format: 'duration',
          default: 'PT1H',
          description: 'So long after the start for the first time.',
        },
        fixedDelay: {
          type: 'string',
          format: 'duration',
          default: 'PT1H',
          description: 'So long after the end of the time before.',
        },
        batchSize: {
          type: 'integer',
          minimum: 1,
          maximum: 10000,
          default: 1000,
          description: 'So many at a time.',
        },
      },
    },
  },
} as const;
