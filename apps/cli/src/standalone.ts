import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@millrace/executor';
import { createTopics, newId, type Clock, type Topics } from '@millrace/model';
import { createTaskTypeRegistry, type TaskTypeRegistry } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import { createSqlQueue } from '@millrace/queue/sql';
import { createSqlRepository } from '@millrace/repository/sql';
import {
  createHealth,
  createMetrics,
  startServices,
  type Configuration,
  type InitialAccount,
  type Logger,
  type Service,
  type ServiceContext,
  type ServiceGroup,
} from '@millrace/service';
import { createLocalStorage } from '@millrace/storage/local';
import { createWebserver } from '@millrace/webserver';
import { createWorker } from '@millrace/worker';
import { installedPlugins } from './plugins.js';

export interface StandaloneOptions {
  readonly configuration: Configuration;
  /** Absolute path; must exist. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Created when there is no account. */
  readonly initialAccount?: InitialAccount;
}

/** A running standalone server. */
export interface Standalone {
  readonly url: string;
  readonly group: ServiceGroup;
}
