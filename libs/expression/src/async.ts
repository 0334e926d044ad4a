import type { Environment, HostFunctions, Variables } from './environment.js';
import { mapTexts } from './deep.js';
import { renderString, renderTyped } from './render.js';
import { Suspended } from './suspended.js';
import type { Template } from './template.js';

/** A host whose answers take time. */
export interface AsyncHost {
  call(name: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** An environment with such a host. */
export type AsyncEnvironment = Omit<Environment, 'host'> & { readonly host: AsyncHost };

type Answer = { readonly value: unknown } | { readonly error: unknown };

/** `renderString` with a host whose answers take time. Rejects with ExpressionError, and nothing else. */
export function renderStringAsync(
  template: Template | string,
  variables: Variables,
  environment: AsyncEnvironment,
): Promise<string> {
  return awaiting(environment, (stable) => renderString(template, variables, stable));
}

/** `renderTyped` with a host whose answers take time. Rejects with ExpressionError, and nothing else. */
export function renderTypedAsync(
  template: Template | string,
  variables: Variables,
  environment: AsyncEnvironment,
): Promise<unknown> {
  return awaiting(environment, (stable) => renderTyped(template, variables, stable));
}

/** `renderDeep` with a host whose answers take time; texts are rendered one after the other. */
export function renderDeepAsync(value: unknown, variables: Variables, environment: AsyncEnvironment): Promise<unknown> {
  return deep(value, (text) => renderStringAsync(text, variables, environment));
}

/** `renderDeepTyped` with a host whose answers take time; texts are rendered one after the other. */
export function renderDeepTypedAsync(
  value: unknown,
  variables: Variables,
  environment: AsyncEnvironment,
): Promise<unknown> {
  return deep(
    value,
    (text) => renderTypedAsync(text, variables, environment),
    (text) => renderStringAsync(text, variables, environment),
  );
}

/** Renders the texts of a value in order, then puts them in their places. */
async function deep(
  value: unknown,
  renderText: (text: string) => Promise<unknown>,
  renderKey: (text: string) => Promise<unknown> = renderText,
): Promise<unknown> {
  const pending: (() => Promise<unknown>)[] = [];
  const collect =
    (render: (text: string) => Promise<unknown>) =>
    (text: string): string => {
      pending.push(() => render(text));
      return text;
    };
  mapTexts(value, collect(renderText), collect(renderKey));
  const rendered: unknown[] = [];
  for (const render of pending) rendered.push(await render());
  let next = 0;
  return mapTexts(value, () => rendered[next++]);
}

/**
 * Evaluates synchronously; at a host call without an answer yet, the evaluation is left, the host awaited, and all is
 * evaluated again. The answers and the random numbers drawn are kept, so each evaluation takes the same way, and the
 * host is asked once for each distinct call.
 */
async function awaiting<T>(environment: AsyncEnvironment, render: (environment: Environment) => T): Promise<T> {
  const answers = new Map<string, Answer>();
  const draws: number[] = [];
  for (;;) {
    let drawn = 0;
    const random = (): number => (draws[drawn++] ??= environment.random());
    try {
      return render({ ...environment, random, host: remembering(answers) });
    } catch (signal) {
      if (!(signal instanceof Suspended)) throw signal;
      answers.set(signal.key, await answerOf(environment.host, signal));
    }
  }
}

function remembering(answers: ReadonlyMap<string, Answer>): HostFunctions {
  return {
    call(name, args, named) {
      const key = JSON.stringify([name, args, named], (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}n` : value,
      );
      const answer = answers.get(key);
      if (answer === undefined) throw new Suspended(key, name, args, named);
      if ('error' in answer) throw answer.error;
      return answer.value;
    },
  };
}

async function answerOf(host: AsyncHost, call: Suspended): Promise<Answer> {
  try {
    return { value: await host.call(call.name, call.args, call.named) };
  } catch (error) {
    return { error };
  }
}
