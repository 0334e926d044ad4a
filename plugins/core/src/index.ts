import type { Plugin } from '@millrace/plugin-api';
import { echoTask, returnTask } from './debug.js';
import { assertTask, failTask } from './execution.js';
import { itemMergeTask, itemOutputsTask, itemSplitTask } from './for-each-item.js';
import { countExecutionsTask, purgeExecutionsTask, resumeExecutionTask } from './execution-data.js';
import { purgeKeyValuesTask } from './kv-purge.js';
import { deleteKeyValueTask, getKeysTask, getKeyValueTask, putKeyValueTask, setKeyValueTask } from './kv.js';
import { fetchLogsTask, purgeLogsTask } from './log-data.js';
import { logTask } from './log.js';
import { deleteFilesTask, downloadFilesTask, purgeFilesTask, uploadFilesTask } from './namespace-files.js';
import { outputValuesTask } from './output-values.js';
import { sleepTask } from './sleep.js';
import { publishMetricsTask } from './metric.js';
import { concatTask, deleteTask, localFilesTask, sizeTask } from './storage/files.js';
import { deduplicateItemsTask, filterItemsTask } from './storage/items.js';
import { deleteStateTask, getStateTask, setStateTask } from './state.js';
import { purgeCurrentExecutionFilesTask } from './storage/purge.js';
import { reverseTask } from './storage/reverse.js';
import { splitTask } from './storage/split-task.js';
import { storageWriteTask } from './storage/write.js';
import { templatedTask } from './templated-task.js';
import { toggleTask } from './toggle.js';

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
    itemSplitTask,
    itemOutputsTask,
    itemMergeTask,
    templatedTask,
    toggleTask,
    purgeCurrentExecutionFilesTask,
    setKeyValueTask,
    putKeyValueTask,
    getKeyValueTask,
    deleteKeyValueTask,
    getKeysTask,
    purgeKeyValuesTask,
    uploadFilesTask,
    downloadFilesTask,
    deleteFilesTask,
    purgeFilesTask,
    getStateTask,
    setStateTask,
    deleteStateTask,
    fetchLogsTask,
    purgeLogsTask,
    countExecutionsTask,
    resumeExecutionTask,
    purgeExecutionsTask,
  ],
};
