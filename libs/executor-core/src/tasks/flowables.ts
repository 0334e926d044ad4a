import type { Flowable } from './flowable.js';
import { forEach } from './for-each.js';
import { ifTask } from './if.js';
import { parallel } from './parallel.js';
import { sequential } from './sequential.js';
import { switchTask } from './switch.js';
import { workingDirectory } from './working-directory.js';

/** Every task type with children, by the short form of its type. */
export const FLOWABLES: ReadonlyMap<string, Flowable> = new Map([
  ['core.flow.Sequential', sequential],
  ['core.flow.AllowFailure', sequential],
  ['core.flow.Parallel', parallel],
  ['core.flow.ForEach', forEach],
  ['core.flow.If', ifTask],
  ['core.flow.Switch', switchTask],
  ['core.flow.WorkingDirectory', workingDirectory],
]);

export type { ChildEnded, Entered, Flowable } from './flowable.js';
