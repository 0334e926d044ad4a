import type { TaskServices } from '@millrace/plugin-api';

const refused = (name: string): never => {
  throw new Error(`This task is not expected to use ${name}`);
};

/** The services of a task that uses none: whichever it reaches for fails its test. */
export const NO_SERVICES: TaskServices = {
  get keyValues() {
    return refused('key-values');
  },
  get namespaceFiles() {
    return refused('files of namespaces');
  },
  get executions() {
    return refused('executions');
  },
  get logs() {
    return refused('logs');
  },
  get storage() {
    return refused('storage');
  },
  get triggers() {
    return refused('triggers');
  },
};
