import type { Natives } from './native.js';
import { DATA_NATIVES } from './natives-data.js';
import { DATE_NATIVES } from './natives-dates.js';
import { FLOW_NATIVES } from './natives-flow.js';
import { TEXT_NATIVES } from './natives-text.js';

/** All functions that are not written in jq, by name and number of arguments. */
export const NATIVES: Natives = { ...FLOW_NATIVES, ...DATA_NATIVES, ...TEXT_NATIVES, ...DATE_NATIVES };
