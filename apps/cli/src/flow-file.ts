import { readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import type { FlowName } from './client/client.js';
import type { CommandContext } from './context.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { installedTaskTypes } from './plugins.js';
