import type { Clock } from '@millrace/model';

/** What a server writes its own log with; pino fulfils it. First the fields, then one sentence. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** A server of Millrace: apps/* export a function `createX(options): Service`. */
export interface Service {
  readonly name: string;
  /** Resolves when the server does its work; rejects with one sentence that says what to do. */
  start(): Promise<void>;
  /** Takes no new work, finishes what is under way, frees everything. Idempotent. */
  stop(): Promise<void>;
  /** Rejects when the server stopped by itself. */
  readonly failed: Promise<never>;
}

/** What every server gets. */
export interface ServiceContext {
  /** This process's instance id; new at each start, never reused. */
  readonly instance: string;
  /** Of the product. */
  readonly version?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Figures for operators, in Prometheus terms; names without the prefix `millrace_`. */
export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): (amount?: number, labels?: Readonly<Record<string, string>>) => void;
  gauge(name: string, help: string, read: () => number): void;
  /** In seconds. */
  histogram(
    name: string,
    help: string,
    labels?: readonly string[],
  ): (seconds: number, labels?: Readonly<Record<string, string>>) => void;
  /** The text exposition. */
  render(): Promise<string>;
}
