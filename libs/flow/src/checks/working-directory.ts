import { isPlainObject } from '@millrace/model';
import type { Report } from '../report.js';
import type { WrittenTask } from '../task-tree.js';
import { quoted } from '../words.js';

const WORKING_DIRECTORY = 'core.flow.WorkingDirectory';

/** The tasks of a WorkingDirectory run where it runs: on one worker, which cannot run what the executor decides. */
export function checkInWorkingDirectory({ value, path, parent, description }: WrittenTask, report: Report): void {
  // Its `errors` and `finally` come after it and may hold any task.
  if (parent?.description?.type !== WORKING_DIRECTORY || path[parent.path.length] !== 'tasks') return;
  if (description !== undefined && description.kind !== 'runnable') {
    report.fault(
      [...path, 'type'],
      `${quoted(description.type)} cannot run in a WorkingDirectory, whose tasks run on one worker: put it before or after, or into 'errors' or 'finally'.`,
    );
  }
  const group = value['workerGroup'];
  if (isPlainObject(group)) {
    report.fault(
      [...path, 'workerGroup'],
      "A task of a WorkingDirectory runs where the WorkingDirectory runs: set 'workerGroup' there.",
      { part: 'name' },
    );
  }
}
