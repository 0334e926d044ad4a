import type { Reply, Resource } from '@millrace/model';
import type { CommandOutcome } from './commands.js';

type Refusal = Extract<Reply['outcome'], { kind: 'refused' }>;

/** The owner of a resource, or a rule about its name, does not allow it; the message is a sentence for whoever asked. */
export class ResourceRefusedError extends Error {
  override readonly name = 'ResourceRefusedError';
  constructor(
    readonly reason: Refusal['reason'],
    message: string,
  ) {
    super(message);
  }
}

/** What an owner did. */
export interface DoneChange {
  readonly resource: Resource;
  readonly changed: boolean;
  readonly removedVersions: readonly number[];
}

/** What was done, if it was done. @throws ResourceRefusedError */
export function doneOf(outcome: CommandOutcome): DoneChange {
  switch (outcome.kind) {
    case 'done':
      return { resource: outcome.resource, changed: outcome.changed, removedVersions: outcome.removedVersions ?? [] };
    case 'refused':
      throw new ResourceRefusedError(outcome.reason, outcome.message);
    case 'accepted':
    case 'trigger':
      throw new Error('The owner of a resource answered as the owner of something else does');
    default:
      return outcome satisfies never;
  }
}

/** What is `undefined` when it is not there. @throws ResourceRefusedError for any other reason than `unknown` */
export const doneIfThere = (outcome: CommandOutcome): DoneChange | undefined =>
  outcome.kind === 'refused' && outcome.reason === 'unknown' ? undefined : doneOf(outcome);
