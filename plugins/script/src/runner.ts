import { shortType } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';
import type { ProcessProperties } from './properties.js';

/** The runner that this plugin brings, with its older names. */
const PROCESS_RUNNERS = ['core.runner.Process', 'core.models.tasks.runners.Process', 'scripts.runner.process.Process'];

/** @throws TaskFailure when the script asks for something that a process of the worker does not give */
export function checkRunner({ taskRunner, runner, targetOS }: ProcessProperties): void {
  if (taskRunner && !PROCESS_RUNNERS.includes(shortType(taskRunner.type))) {
    throw new TaskFailure(
      `The task runner '${taskRunner.type}' is not installed: leave 'taskRunner' out, or use core.runner.Process, to run the script as a process of the worker`,
    );
  }
  if (runner !== undefined && runner.toUpperCase() !== 'PROCESS') {
    throw new TaskFailure(
      `The runner '${runner}' is not installed: use PROCESS to run the script as a process of the worker`,
    );
  }
  if (targetOS !== undefined && !['AUTO', 'LINUX'].includes(targetOS.toUpperCase())) {
    throw new TaskFailure(`This worker cannot run scripts for ${targetOS}: use AUTO or LINUX`);
  }
}
