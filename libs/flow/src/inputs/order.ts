import type { Input } from '@millrace/model';

/** The id of an input, also when it is written with its old name. */
export const inputId = (input: Pick<Input, 'id' | 'name'>): string => input.id ?? input.name ?? '';

export type InputOrder =
  | { readonly kind: 'ordered'; readonly inputs: readonly Input[] }
  /** Ids that depend on each other in a circle, the first repeated at the end. */
  | { readonly kind: 'cycle'; readonly cycle: readonly string[] };

/** Inputs in the order of their declaration, but each after those that it depends on; unknown dependencies are left out. */
export function orderInputs(inputs: readonly Input[]): InputOrder {
  const byId = new Map(inputs.map((input) => [inputId(input), input]));
  const done = new Set<string>();
  const ordered: Input[] = [];
  for (const start of inputs) {
    const cycle = visit(start, byId, done, ordered);
    if (cycle !== undefined) return { kind: 'cycle', cycle };
  }
  return { kind: 'ordered', inputs: ordered };
}

/** Depth first without recursion: a chain of thousands of inputs must not exhaust the stack. */
function visit(
  start: Input,
  byId: ReadonlyMap<string, Input>,
  done: Set<string>,
  ordered: Input[],
): readonly string[] | undefined {
  const stack: { readonly input: Input; next: number }[] = [{ input: start, next: 0 }];
  const open = new Set<string>([inputId(start)]);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const dependency = done.has(inputId(top.input)) ? undefined : top.input.dependsOn?.inputs?.[top.next++];
    if (dependency === undefined) {
      if (!done.has(inputId(top.input))) ordered.push(top.input);
      done.add(inputId(top.input));
      open.delete(inputId(top.input));
      stack.pop();
      continue;
    }
    if (open.has(dependency)) {
      const ids = stack.map(({ input }) => inputId(input));
      return [...ids.slice(ids.indexOf(dependency)), dependency];
    }
    const next = byId.get(dependency);
    if (next === undefined || done.has(dependency)) continue;
    open.add(dependency);
    stack.push({ input: next, next: 0 });
  }
  return undefined;
}
