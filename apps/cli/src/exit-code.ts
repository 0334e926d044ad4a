/** What the process answers its shell. */
export const EXIT = {
  /** Done; for a run: SUCCESS or WARNING. */
  ok: 0,
  /** Did not work; for a run: FAILED, KILLED or CANCELLED. */
  failed: 1,
  /** Wrong arguments, wrong configuration, or a flow that is not valid. */
  usage: 2,
  /** No server answers. */
  unreachable: 3,
  /** Stopped with Ctrl+C, as shells report it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a sentence for its user and an exit code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  constructor(
    readonly code: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
