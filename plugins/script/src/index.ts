import type { Plugin } from '@millrace/plugin-api';
import { scriptTasks } from './tasks.js';

/** Scripts and commands in processes of the worker: shell, Python, Node.js. */
export const plugin: Plugin = { name: 'script', tasks: scriptTasks };
