import type { Plugin } from '@millrace/plugin-api';
import { downloadTask } from './download-task.js';
import { sseRequestTask } from './events-task.js';
import { httpFunction } from './http-function.js';
import { requestTask } from './request-task.js';

/** HTTP requests, downloads and streams of events, and `http()` in expressions. */
export const plugin: Plugin = {
  name: 'http',
  tasks: [requestTask, downloadTask, sseRequestTask],
  functions: { http: httpFunction },
};
