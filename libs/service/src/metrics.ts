import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { LabelledFigure, Metrics } from './contract.js';

export interface MetricsOptions {
  /** Also figures of the process: memory, CPU, event-loop delay. */
  readonly process: boolean;
}

const PREFIX = 'millrace_';

/** From half a millisecond to a minute: steps of an execution and requests. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Prometheus metrics on a registry of their own, so that several servers in one process, and tests, do not meet. Asking
 * for a counter or histogram again answers the same one; a gauge asked for again is read from its newest `read`.
 */
export function createMetrics(options: MetricsOptions = { process: true }): Metrics {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const reads = new Map<string, () => number>();
  const labelled = new Map<string, () => Iterable<LabelledFigure> | Promise<Iterable<LabelledFigure>>>();
  return {
    counter(name, help, labels = []) {
      const counter =
        counters.get(name) ??
        new Counter({ name: PREFIX + name, help, labelNames: [...labels], registers: [registry] });
      counters.set(name, counter);
      return (amount = 1, values = {}) => counter.inc({ ...values }, amount);
    },
    gauge(name, help, read) {
      if (!reads.has(name)) {
        new Gauge({
          name: PREFIX + name,
          help,
          registers: [registry],
          collect() {
            this.set((reads.get(name) ?? read)());
          },
        });
      }
      reads.set(name, read);
    },
    gauges(name, help, labels, read) {
      if (!labelled.has(name)) {
        new Gauge({
          name: PREFIX + name,
          help,
          labelNames: [...labels],
          registers: [registry],
          async collect() {
            this.reset();
            try {
              const figures = await (labelled.get(name) ?? read)();
              for (const { labels: values, value } of figures) this.set({ ...values }, value);
            } catch {
              // Better no figure than one from before; what is unreachable has figures, and a log, of its own.
              this.reset();
            }
          },
        });
      }
      labelled.set(name, read);
    },
    histogram(name, help, labels = []) {
      const histogram =
        histograms.get(name) ??
        new Histogram({
          name: PREFIX + name,
          help,
          labelNames: [...labels],
          buckets: BUCKETS_SECONDS,
          registers: [registry],
        });
      histograms.set(name, histogram);
      return (seconds, values = {}) => histogram.observe({ ...values }, seconds);
    },
    render: () => registry.metrics(),
  };
}
