import type { Maintenance, PlainObject } from '@millrace/model';
import type { TaskTypeRegistry } from '@millrace/plugin-api';
import type { ServiceContext } from '@millrace/service';
import type { Repository } from '@millrace/repository';
import type { KeyValues, NamespaceFiles, Templates } from '@millrace/resources';
import type { Storage } from '@millrace/storage';
import type { DeadLetters } from '../cluster/dead-letters.js';
import type { Members } from '../cluster/members.js';
import type { Presence } from '../cluster/presence.js';
import type { Settings } from '../cluster/settings.js';
import type { ClusterStatus } from '../cluster/status.js';
import type { WorkerGroups } from '../cluster/worker-groups.js';
import type { Executions } from '../executions/executions.js';
import type { Live } from '../executions/live.js';
import type { StartOptions } from '../executions/start.js';
import type { Commands } from '../flows/commands.js';
import type { FlowCatalog } from '../flows/flow-catalog.js';
import type { Slots } from '../flows/slots.js';
import type { Accounts } from '../security/accounts.js';
import type { Authentication } from '../security/authentication.js';
import type { Passwords } from '../security/passwords.js';
import type { SetUp } from '../security/setup.js';
import type { TriggerPlans } from '../triggers/trigger-plans.js';
import type { WebserverConfiguration } from '../configuration.js';

/** What is there only while the server runs: readers of the queue, and what stands on them. */
export interface Running {
  readonly accounts: Accounts;
  /** Resolves with true when this server sees the user. */
  userSeen(id: string): Promise<boolean>;
  readonly flows: FlowCatalog;
  readonly slots: Slots;
  readonly commands: Commands;
  readonly keyValues: KeyValues;
  readonly namespaceFiles: NamespaceFiles;
  readonly templates: Templates;
  readonly live: Live;
  readonly executions: Executions;
  readonly members: Members;
  readonly workerGroups: WorkerGroups;
  readonly settings: Settings;
  readonly presence: Presence;
  readonly deadLetters: DeadLetters;
  /** undefined: it was never entered. */
  maintenance(): Maintenance | undefined;
  /** Looks at the whole installation once. */
  status(): Promise<ClusterStatus>;
  close(): void;
}

/** What the routes work with. */
export interface RouteServices {
  readonly context: ServiceContext;
  readonly configuration: WebserverConfiguration;
  readonly repository: Repository;
  readonly storage: Storage;
  readonly taskTypes: TaskTypeRegistry;
  readonly passwords: Passwords;
  readonly authentication: Authentication;
  readonly setUp: SetUp;
  readonly starting: StartOptions;
  readonly triggerPlans: TriggerPlans;
  /** `envs`, `globals`, `kestra`. */
  readonly serverVariables: PlainObject;
  /** @throws HttpError 503 before the start and after the stop */
  running(): Running;
  readonly health: { readonly live: boolean; readonly ready: boolean };
}
