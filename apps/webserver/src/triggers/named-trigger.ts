import { FLOW_ID_PATTERN, ID_PATTERN, NAMESPACE_PATTERN } from '@millrace/model';

/** A trigger as bodies name it. */
export interface NamedTrigger {
  readonly namespace: string;
  readonly flowId: string;
  readonly triggerId: string;
}

/** The part of a schema that names a trigger; what else was sent with it is not read. */
export const TRIGGER_NAME = {
  required: ['namespace', 'flowId', 'triggerId'],
  properties: {
    namespace: { type: 'string', pattern: NAMESPACE_PATTERN, maxLength: 150 },
    flowId: { type: 'string', pattern: FLOW_ID_PATTERN, maxLength: 100 },
    triggerId: { type: 'string', pattern: ID_PATTERN, maxLength: 256 },
  },
} as const;
