import { dag } from './dag.js';
import { eachParallel, eachSequential } from './each.js';
import type { Flowable } from './flowable.js';
import { forEachItem } from './for-each-item.js';
import { forEach } from './for-each.js';
import { ifTask } from './if.js';
import { loopUntil } from './loop-until.js';
import { parallel } from './parallel.js';
import { pause } from './pause.js';
import { sequential } from './sequential.js';
import { switchTask } from './switch.js';
import { workingDirectory } from './working-directory.js';
import { template } from './template.js';

/** Every task type with children, by the short form of its type. */
export const FLOWABLES: ReadonlyMap<string, Flowable> = new Map([
  ['core.flow.Sequential', sequential],
  ['core.flow.AllowFailure', sequential],
  ['core.flow.Parallel', parallel],
  ['core.flow.ForEach', forEach],
  ['core.flow.ForEachItem', forEachItem],
  ['core.flow.If', ifTask],
  ['core.flow.Switch', switchTask],
  ['core.flow.WorkingDirectory', workingDirectory],
  ['core.flow.Dag', dag],
  ['core.flow.EachSequential', eachSequential],
  ['core.flow.EachParallel', eachParallel],
  ['core.flow.LoopUntil', loopUntil],
  ['core.flow.Pause', pause],
  ['core.flow.Template', template],
]);

export type { ChildEnded, Entered, Flowable } from './flowable.js';
