import { hostParameters } from '@millrace/expression';

/** The arguments of a function of an expression, by name. */
export type NamedArguments = Readonly<Record<string, unknown>>;

/** Binds what was given by position and by name. */
export function namedArguments(name: string, args: readonly unknown[], named: NamedArguments): NamedArguments {
  const parameters = hostParameters(name);
  const byPosition = args.flatMap((value, index) => {
    const parameter = parameters[index];
    return parameter === undefined ? [] : [[parameter, value] as const];
  });
  return { ...Object.fromEntries(byPosition), ...named };
}

/** Text, or undefined when it is absent or null. @throws Error for anything else */
export function optionalText(args: NamedArguments, name: string): string | undefined {
  const value = args[name];
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  throw new Error(`the argument '${name}' must be text`);
}

/** @throws Error when it is absent, empty or no text */
export function neededText(args: NamedArguments, name: string): string {
  const value = optionalText(args, name);
  if (value === undefined || value === '') throw new Error(`the argument '${name}' is missing`);
  return value;
}

/** @throws Error when it is neither a whole number nor absent */
export function optionalInteger(args: NamedArguments, name: string): number | undefined {
  const value = args[name];
  if (value === null || value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new Error(`the argument '${name}' must be a whole number`);
}

/** @throws Error when it is neither true, false nor absent */
export function flag(args: NamedArguments, name: string, fallback: boolean): boolean {
  const value = args[name];
  if (value === null || value === undefined) return fallback;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new Error(`the argument '${name}' must be true or false`);
}
