import { createCopiedQueue } from './copied-queue.js';
import { createDatabase } from './database.js';
import { describeTriggers } from './triggers-cases.js';

describeTriggers('the embedded database', createDatabase);
describeTriggers("a webserver's copy of another queue", createCopiedQueue);
