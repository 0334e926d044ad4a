/** What `/health/live` and `/health/ready` answer. */
export interface Health {
  /** False when the process should be started anew: a server stopped by itself. */
  readonly live: boolean;
  /** True while every server does its work: after the start, until the stop begins. */
  readonly ready: boolean;
}

/** The health of a process, written by the lifecycle and read by the webserver. */
export interface HealthState extends Health {
  set(change: Partial<Health>): void;
}

/** Live, not yet ready. */
export function createHealth(): HealthState {
  let state: Health = { live: true, ready: false };
  return {
    get live() {
      return state.live;
    },
    get ready() {
      return state.ready;
    },
    set(change) {
      state = { ...state, ...change };
    },
  };
}
