import type { Plugin } from '@millrace/plugin-api';
import { echoTask, returnTask } from './debug.js';
import { assertTask, failTask } from './execution.js';
import { logTask } from './log.js';
import { outputValuesTask } from './output-values.js';
import { sleepTask } from './sleep.js';
import { publishMetricsTask } from './metric.js';
import { concatTask, deleteTask, localFilesTask, sizeTask } from './storage/files.js';
import { deduplicateItemsTask, filterItemsTask } from './storage/items.js';
import { reverseTask } from './storage/reverse.js';
import { splitTask } from './storage/split-task.js';
import { storageWriteTask } from './storage/write.js';

/** The task types without which hardly a flow does: log, output, fail, wait, write. */
export const plugin: Plugin = {
  name: 'core',
  tasks: [
    logTask,
    returnTask,
    echoTask,
    outputValuesTask,
    failTask,
    assertTask,
    sleepTask,
    publishMetricsTask,
    storageWriteTask,
    concatTask,
    splitTask,
    sizeTask,
    deleteTask,
    reverseTask,
    deduplicateItemsTask,
    filterItemsTask,
    localFilesTask,
  ],
};
