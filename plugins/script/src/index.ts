import type { Plugin } from '@millrace/plugin-api';
import { scriptTasks } from './tasks.js';

/**
 * Scripts and commands in processes of the worker: shell, Python, Node.js. All processes of an attempt end with it, and
 * with the worker, but those that leave their process group (`setsid`): these are the script's own to end.
 */
export const plugin: Plugin = { name: 'script', tasks: scriptTasks };
