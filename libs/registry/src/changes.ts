import type { Reply, Resource } from '@millrace/model';
import type { Records } from './records.js';

/** A record of the key from now on; null: it is gone. */
export type ResourceFact = { readonly id: string; readonly resource: Resource | null };

/** The records of one key. */
export type ResourceState = Records<Resource>;

/** What a command makes true. */
export interface Changes {
  readonly kind: 'changes';
  readonly facts: readonly ResourceFact[];
  /** The record to show in the reply, and its id. */
  readonly shown: Resource;
  readonly recordId: string;
  /** Versions that are gone with it. */
  readonly removedVersions?: readonly number[];
  /** Nothing of the key is left: its commands are forgotten too, so that keys that are gone take no memory. */
  readonly forgetsKey?: true;
}

export type Refused = Extract<Reply['outcome'], { kind: 'refused' }>;

export const refused = (reason: Refused['reason'], message: string): Refused => ({ kind: 'refused', reason, message });
