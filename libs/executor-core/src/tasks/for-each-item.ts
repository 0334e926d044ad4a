import { ITEM_TASKS, type TaskDefinition } from '@millrace/model';
import { sequential } from './sequential.js';
import type { Flowable } from './flowable.js';

/**
 * ForEachItem: three tasks that nobody writes, one after the other. `<id>_split` is a job that splits the file, `<id>_items`
 * starts the executions (../executables/items.ts), `<id>_merge` is a job that puts their outputs into one file.
 */
export const forEachItem: Flowable = { ...sequential, tasks: itemTasks };

/** Properties of the block that are its own, and not those of the executions. */
const OWN = new Set([
  'id',
  'type',
  'description',
  'retry',
  'errors',
  'finally',
  'items',
  'batch',
  'runIf',
  'timeout',
  'disabled',
  'allowFailure',
  'allowWarning',
]);

function itemTasks(written: TaskDefinition): readonly TaskDefinition[] {
  const { id, items, batch } = written;
  const shared = {
    ...(written.logLevel === undefined ? {} : { logLevel: written.logLevel }),
    ...(written.workerGroup === undefined ? {} : { workerGroup: written.workerGroup }),
  };
  const execution = Object.fromEntries(Object.entries(written).filter(([name]) => !OWN.has(name)));
  return [
    { ...shared, id: `${id}_split`, type: ITEM_TASKS.split, items, ...(batch === undefined ? {} : { batch }) },
    { ...execution, ...shared, id: `${id}_items`, type: ITEM_TASKS.items, splitId: `${id}_split` },
    {
      ...shared,
      id: `${id}_merge`,
      type: ITEM_TASKS.merge,
      subflowOutputs: `{{ currentEachOutput(outputs['${id}_items']).subflowOutputsBaseUri }}`,
    },
  ];
}
