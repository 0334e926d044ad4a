import {
  outgoing,
  keyOf,
  type ExecutionEvent,
  type JobProgressed,
  type JobOutcome,
  type OutgoingRecord,
  type Topics,
} from '@millrace/model';
import type { TakenJob } from '@millrace/queue';

/** The worker's side of a job, as events of its execution. */
export interface JobRecords {
  claimed(taken: TakenJob, at: number): readonly OutgoingRecord[];
  /** News of a child of a WorkingDirectory. */
  progressed(taken: TakenJob, child: JobProgressed['child'], at: number): readonly OutgoingRecord[];
  ended(taken: TakenJob, outcome: JobOutcome, at: number): readonly OutgoingRecord[];
  handedBack(taken: TakenJob): readonly OutgoingRecord[];
}

export function createJobRecords(topics: Topics, instance: string): JobRecords {
  const record = ({ job }: TakenJob, value: ExecutionEvent): readonly OutgoingRecord[] => [
    outgoing({ topic: topics.executionEvents, key: keyOf(job.tenant, job.executionId), value }),
  ];
  const about = ({ job, token }: TakenJob) => ({
    tenant: job.tenant,
    executionId: job.executionId,
    taskRunId: job.taskRunId,
    attempt: job.attempt,
    token,
  });
  return {
    claimed: (taken, at) => record(taken, { kind: 'job-claimed', ...about(taken), instance, at }),
    progressed: (taken, child, at) => record(taken, { kind: 'job-progressed', ...about(taken), instance, child, at }),
    ended: (taken, outcome, at) => record(taken, { kind: 'job-ended', ...about(taken), instance, outcome, at }),
    handedBack: (taken) => record(taken, { kind: 'job-handed-back', ...about(taken) }),
  };
}
