import type { JobOutcome } from '@millrace/model';
import type { Metrics } from '@millrace/service';

/** The worker's figures for operators. */
export interface WorkerMetrics {
  ended(outcome: JobOutcome, durationMs: number): void;
}

export function createWorkerMetrics(metrics: Metrics, running: () => number): WorkerMetrics {
  const ended = metrics.counter('worker_jobs_ended_total', 'Jobs that this worker has ended, by state', ['state']);
  const duration = metrics.histogram('worker_job_duration_seconds', 'How long jobs ran on this worker', ['state']);
  metrics.gauge('worker_jobs_running', 'Jobs that this worker runs now', running);
  return {
    ended({ state }, durationMs) {
      ended(1, { state });
      duration(durationMs / 1_000, { state });
    },
  };
}
