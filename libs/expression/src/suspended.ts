/**
 * Thrown through the evaluator by the asynchronous rendering when it needs a host's answer that it does not have yet.
 * Not an error: nothing but `async.ts` may catch it.
 */
export class Suspended {
  constructor(
    readonly key: string,
    readonly name: string,
    readonly args: readonly unknown[],
    readonly named: Readonly<Record<string, unknown>>,
  ) {}
}
