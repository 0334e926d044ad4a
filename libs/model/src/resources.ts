import type { ClusterChange, ClusterRecord } from './cluster.js';
import type { Flow } from './flow.js';
import { keyOf } from './ids.js';
import type { KeyValue, KeyValueChange } from './key-values.js';
import type { Maintenance, MaintenanceChange } from './maintenance.js';
import type { NamespaceFile, NamespaceFileChange, NamespaceFileNumbers } from './namespace-files.js';
import type { NamespaceSettings, SettingsChange, TenantSettings } from './namespaces.js';
import type { FlowTemplate, TemplateChange } from './templates.js';
import type { TriggerState } from './triggers.js';
import type { WorkerGroup, WorkerGroupChange } from './worker-groups.js';

/**
 * Resources are what users manage: flows, key-values, files of namespaces, user accounts. They are changed by a command to the owner
 * of their key, so two webservers cannot both make revision 7, and read from a view in memory (architecture.md part 2).
 */
export type Resource =
  | { readonly kind: 'flow'; readonly flow: Flow }
  | { readonly kind: 'user'; readonly user: UserAccount }
  | { readonly kind: 'key-value'; readonly keyValue: KeyValue }
  | { readonly kind: 'namespace-file'; readonly file: NamespaceFile }
  | ({ readonly kind: 'namespace-file-numbers' } & NamespaceFileNumbers)
  | { readonly kind: 'template'; readonly template: FlowTemplate }
  | { readonly kind: 'maintenance'; readonly maintenance: Maintenance }
  | ClusterRecord
  | { readonly kind: 'worker-group'; readonly group: WorkerGroup }
  | { readonly kind: 'namespace'; readonly namespace: NamespaceSettings }
  | { readonly kind: 'tenant'; readonly tenant: TenantSettings }
  | RecentCommands;

/** The last commands of a key and what became of them, so that a repeat changes nothing and is answered again. */
export interface RecentCommands {
  readonly kind: 'recent-commands';
  readonly commands: readonly {
    readonly commandId: string;
    /** The record that the reply shows, or why there is none. */
    readonly result:
      | { readonly recordId: string; readonly changed: boolean; readonly removedVersions?: readonly number[] }
      | Extract<Reply['outcome'], { kind: 'refused' }>;
  }[];
}

/** A person who may log in (spec security.md §1.1). Instance-wide. */
export interface UserAccount {
  readonly id: string;
  readonly username: string;
  /** PHC string. */
  readonly passwordHash: string;
  readonly passwordChangedAt: number;
  readonly superAdmin: boolean;
  readonly status: 'ACTIVE' | 'DISABLED';
  readonly createdAt: number;
}

/** A command on `resource-commands`; key: `flowKey`, `USERS_KEY`, or that of another resource. */
export interface ResourceCommand {
  /** A repeat of the same id changes nothing and is answered again. */
  readonly commandId: string;
  /** Server instance that waits for the reply. */
  readonly replyTo: string;
  readonly at: number;
  readonly change: ResourceChange;
}

export type ResourceChange =
  | {
      /** `create`: 422 when it exists. `update`: 404 when it does not. `save`: either. */
      readonly kind: 'save-flow';
      readonly mode: 'create' | 'update' | 'save';
      /** `revision`, `deleted`, `updated` are the registry's to set. */
      readonly flow: Omit<Flow, 'revision' | 'deleted' | 'updated'>;
      /** Refused when the latest revision is another. */
      readonly expectedRevision?: number;
    }
  | { readonly kind: 'delete-flow'; readonly tenant: string; readonly namespace: string; readonly id: string }
  /** Old revisions are gone for good; refused for the newest one and when one is unknown. */
  | { readonly kind: 'delete-revisions'; readonly revisions: readonly number[] }
  /** `onlyFirst`: refused when there is any account. A taken name is refused always. */
  | { readonly kind: 'create-user'; readonly user: UserAccount; readonly onlyFirst: boolean }
  | { readonly kind: 'set-password'; readonly userId: string; readonly passwordHash: string }
  | KeyValueChange
  | NamespaceFileChange
  | TemplateChange
  | MaintenanceChange
  | ClusterChange
  | WorkerGroupChange
  | SettingsChange;

/** What the registry answers on `replies`, keyed by the instance that asked. */
export interface Reply {
  readonly commandId: string;
  readonly outcome:
    | {
        readonly kind: 'done';
        readonly resource: Resource;
        readonly changed: boolean;
        /** Versions that are gone: purged, or beyond the number that is kept. */
        readonly removedVersions?: readonly number[];
      }
    /** An operation on an execution: what it did is in the execution's records. */
    | { readonly kind: 'accepted'; readonly executionId: string }
    /** A command to a trigger: its state now; absent when it was deleted. */
    | { readonly kind: 'trigger'; readonly trigger?: TriggerState }
    | {
        readonly kind: 'refused';
        readonly reason: 'exists' | 'unknown' | 'conflict' | 'invalid';
        readonly message: string;
        /** `invalid`: each fault with the path of what is wrong. */
        readonly faults?: readonly { readonly message: string; readonly path: string }[];
      };
}

/** The key of a flow and of all its revisions. */
export const flowKey = (tenant: string, namespace: string, id: string): string => keyOf(tenant, 'flow', namespace, id);

/** The one key of all users, each a record by its id: a name is taken once, and the first account is the first. */
export const USERS_KEY = keyOf('_instance', 'users');

/** Ids of the records under a flow's key: `latest`, and one immutable record for each revision. */
export const LATEST = 'latest';
export const revisionId = (revision: number): string => `revision-${revision}`;
