import type { Plugin } from '@millrace/plugin-api';
import { requestTask } from './request-task.js';

/** HTTP requests. */
export const plugin: Plugin = { name: 'http', tasks: [requestTask] };
