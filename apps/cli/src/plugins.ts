import { plugin as core } from '@millrace/plugin-core';
import { plugin as http } from '@millrace/plugin-http';
import { plugin as script } from '@millrace/plugin-script';
import { createTaskTypeRegistry, type TaskTypeRegistry } from '@millrace/plugin-api';

/** The task types that ship with the product. */
export const installedTaskTypes = (): TaskTypeRegistry => createTaskTypeRegistry([core, script, http]);
