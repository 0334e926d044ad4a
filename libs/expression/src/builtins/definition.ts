import type { Run } from '../run.js';

/** Common to filters, tests and functions: how arguments are bound. */
interface Signature {
  /** Names of the parameters, in order. An argument that is not given is `undefined`, one given as null is null. */
  readonly parameters: readonly string[];
  /** How many of them, from the first, must be given. Default 0. */
  readonly required?: number;
  /** Any number of positional arguments; they are not bound to `parameters`. */
  readonly variadic?: boolean;
}

/** `value | name(arguments)`. */
export interface Filter extends Signature {
  /** Without it a null input gives null and `apply` is not called. */
  readonly acceptsNull?: boolean;
  apply(input: unknown, args: readonly unknown[], run: Run): unknown;
}

/** `value is name(arguments)`. */
export interface Test extends Signature {
  holds(input: unknown, args: readonly unknown[], run: Run): boolean;
}

/** `name(arguments)`. */
export interface BuiltinFunction extends Signature {
  call(args: readonly unknown[], run: Run): unknown;
}

/** A function of the host: bound and counted like the others, answered by `environment.host`. */
export type HostSignature = Signature & { readonly required: number };

export type Filters = Readonly<Record<string, Filter>>;
export type Tests = Readonly<Record<string, Test>>;
export type Functions = Readonly<Record<string, BuiltinFunction>>;
