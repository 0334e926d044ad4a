import type { Limits } from './limits.js';
import { isReadableKey } from './values.js';

/** The top-level variables of a template. `get` is called only for names that `has` knows. */
export interface Variables {
  get(name: string): unknown;
  has(name: string): boolean;
  /** All names; used by `fetchContext()` and to suggest the nearest name for an unknown one. */
  names(): Iterable<string>;
}

/** Variables from the own properties of a plain object. */
export function variablesOf(values: Readonly<Record<string, unknown>>): Variables {
  return {
    get: (name) => (isReadableKey(name) && Object.hasOwn(values, name) ? values[name] : undefined),
    has: (name) => isReadableKey(name) && Object.hasOwn(values, name),
    names: () => Object.keys(values),
  };
}

/**
 * Answers the functions that need files, secrets, key-values, encryption or the network. Errors that it throws reach
 * the caller of the rendering as ExpressionError: one of its own kind as it is, any other as kind `function`.
 */
export interface HostFunctions {
  call(name: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>): unknown;
}

/** Everything a rendering may depend on besides template and variables. */
export interface Environment {
  /** Epoch milliseconds. */
  readonly now: number;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** IANA name of the zone in which dates are read and printed unless a template names one. */
  readonly timeZone: string;
  /** Without it the functions that need a host fail with kind `function`; see `Template.isPure`. */
  readonly host?: HostFunctions;
  readonly limits?: Partial<Limits>;
  /**
   * A read of an encrypted value is an error of kind `encrypted`, one of outputs in internal storage of kind `stored`;
   * otherwise such a value is a map like any other.
   */
  readonly refusesEncrypted?: boolean;
  /**
   * With what texts that must not be stored as they are get encrypted, and where they belong (such as the id of the
   * execution), for `encryptedValue`. Rendering itself does not use it.
   */
  readonly encryption?: { readonly key: string; readonly place: string };
  /** Render results again until nothing changes, at most 100 times (setting `variables.recursive-rendering`). */
  readonly recursive?: boolean;
}
