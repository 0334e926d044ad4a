import {
  decryptText,
  encryptedValue,
  EncryptionProblem,
  ExpressionError,
  isEncryptedValue,
  renderDeepTyped,
  renderTyped,
  variablesOf,
  type Environment,
} from '@millrace/expression';
import type { FlowSource, Input } from '@millrace/model';
import { nestByDots } from '../labels.js';
import { convertValue } from './convert.js';
import { inputId, orderInputs } from './order.js';

/** Why the value of one input is refused; `message` is a whole sentence. */
export interface InputFault {
  readonly input: string;
  readonly message: string;
}

export type ResolvedInputs =
  | {
      /** By id, where an id with dots is a map inside a map; disabled inputs are absent, missing ones that need not be given are null. */
      readonly values: Readonly<Record<string, unknown>>;
      /** The same with the plain text of what is encrypted in `values`, if anything is: for checks, never to be stored. */
      readonly readable?: Readonly<Record<string, unknown>>;
      /** Names that were given but are not declared. */
      readonly ignored: readonly string[];
    }
  | { readonly faults: readonly InputFault[]; readonly ignored: readonly string[] };

/**
 * The inputs of an execution from what was `given` by id: in the order of their dependencies, with rendered defaults,
 * converted and checked (spec flow.md §3). All faults are found at once.
 *
 * Texts of SECRET inputs, and those that were given encrypted, are encrypted in `values` (`environment.encryption`).
 *
 * @param environment what defaults, conditions and choices are rendered with; `variables` are seen beside `inputs`
 */
export function resolveInputs(
  flow: Pick<FlowSource, 'inputs'>,
  given: Readonly<Record<string, unknown>>,
  environment: Environment,
  variables: Readonly<Record<string, unknown>> = {},
): ResolvedInputs {
  const declared = flow.inputs ?? [];
  const known = new Set(declared.map(inputId));
  const ignored = Object.keys(given).filter((name) => !known.has(name));
  const order = orderInputs(declared);
  if (order.kind === 'cycle') {
    const [input = ''] = order.cycle;
    return {
      faults: [
        { input, message: `The inputs ${order.cycle.join(' → ')} depend on each other in a circle: correct the flow.` },
      ],
      ignored,
    };
  }
  const resolver = new Resolver(given, environment, variables);
  for (const input of order.inputs) resolver.resolve(input);
  return resolver.faults.length > 0
    ? { faults: resolver.faults, ignored }
    : {
        values: resolver.stored(declared),
        ...(resolver.hasSecrets && { readable: resolver.nested(declared) }),
        ignored,
      };
}

/** What becomes of one input, for whoever fills in a form. */
export interface ExaminedInput {
  readonly input: Input;
  /** Null when there is none; never the value of a SECRET. */
  readonly value: unknown;
  /** False: left out, because of what it depends on. */
  readonly enabled: boolean;
  /** The value is the input's default. */
  readonly isDefault: boolean;
  /** Whole sentences. */
  readonly errors: readonly string[];
}

/** Like `resolveInputs`, but tells of each input by itself, in the order of declaration. */
export function examineInputs(
  flow: Pick<FlowSource, 'inputs'>,
  given: Readonly<Record<string, unknown>>,
  environment: Environment,
  variables: Readonly<Record<string, unknown>> = {},
): { readonly inputs: readonly ExaminedInput[]; readonly values: Readonly<Record<string, unknown>> } {
  const declared = flow.inputs ?? [];
  const order = orderInputs(declared);
  const resolver = new Resolver(given, environment, variables);
  for (const input of order.kind === 'ordered' ? order.inputs : declared) resolver.resolve(input);
  return { inputs: declared.map((input) => resolver.examined(input)), values: resolver.nested(declared) };
}

class Resolver {
  readonly faults: InputFault[] = [];
  private readonly disabled = new Set<string>();
  private readonly defaulted = new Set<string>();
  private readonly values = new Map<string, unknown>();
  /** Not to be stored as they are. */
  private readonly secret = new Set<string>();
  /** Their value is not known, so what depends on them cannot be judged. */
  private readonly failed = new Set<string>();

  constructor(
    private readonly given: Readonly<Record<string, unknown>>,
    private readonly environment: Environment,
    private readonly variables: Readonly<Record<string, unknown>>,
  ) {}

  /** In the order of declaration, whatever the order of resolution was. */
  nested(declared: readonly Input[]): Readonly<Record<string, unknown>> {
    const ids = declared.map(inputId).filter((id) => this.values.has(id));
    return nestByDots(ids.map((id) => [id, this.values.get(id)] as const));
  }

  get hasSecrets(): boolean {
    return this.secret.size > 0;
  }

  /** As `nested`, with what is secret encrypted. */
  stored(declared: readonly Input[]): Readonly<Record<string, unknown>> {
    const ids = declared.map(inputId).filter((id) => this.values.has(id));
    return nestByDots(ids.map((id) => [id, this.sealed(id, this.values.get(id))] as const));
  }

  private sealed(id: string, value: unknown): unknown {
    const { encryption } = this.environment;
    if (!this.secret.has(id) || typeof value !== 'string' || encryption === undefined) return value;
    return encryptedValue(encryption.key, `${encryption.place}/${id}`, value);
  }

  examined(input: Input): ExaminedInput {
    const id = inputId(input);
    return {
      input,
      value: input.type === 'SECRET' || this.secret.has(id) ? null : (this.values.get(id) ?? null),
      enabled: !this.disabled.has(id),
      isDefault: this.defaulted.has(id),
      errors: this.faults.filter((fault) => fault.input === id).map(({ message }) => message),
    };
  }

  resolve(input: Input): void {
    const id = inputId(input);
    if (input.dependsOn?.inputs?.some((dependency) => this.failed.has(dependency)) === true) {
      this.failed.add(id);
      return;
    }
    try {
      if (this.isEnabled(input)) this.convert(input, id);
      else this.disabled.add(id);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.refuse(id, `An expression of input '${id}' cannot be rendered: ${error.message}.`);
    }
  }

  private isEnabled({ dependsOn }: Input): boolean {
    if (dependsOn === undefined) return true;
    if (dependsOn.inputs?.some((dependency) => (this.values.get(dependency) ?? null) === null) === true) return false;
    if (dependsOn.condition === undefined) return true;
    const held = this.render(dependsOn.condition);
    return held === true || (typeof held === 'string' && held.trim().toLowerCase() === 'true');
  }

  private convert(input: Input, id: string): void {
    const given = Object.hasOwn(this.given, id) ? this.given[id] : undefined;
    const written = this.opened(given, id);
    if (this.failed.has(id)) return;
    const value = written ?? this.default(input);
    if ((written ?? null) === null && (value ?? null) !== null) this.defaulted.add(id);
    if (value === undefined || value === null) {
      if (input.required === false) this.values.set(id, null);
      else this.refuse(id, `The input '${id}' is missing: give it a value.`);
      return;
    }
    const choices = this.choices(input);
    if (choices === 'no list') {
      this.refuse(id, `The values of input '${id}' cannot be found: its expression must give a list.`);
      return;
    }
    if (input.type === 'SECRET' && !this.maySeal(id)) return;
    const conversion = convertValue(input, value, choices);
    if ('value' in conversion) this.values.set(id, conversion.value);
    // The reason would show the value.
    else if (this.secret.has(id)) this.refuse(id, `The input '${id}' is not what its declaration asks for.`);
    else this.refuse(id, `The input '${id}' ${conversion.reason}.`);
  }

  /** A value that came encrypted, such as from the parent of a subflow, as text. */
  private opened(given: unknown, id: string): unknown {
    const { encryption } = this.environment;
    if (!isEncryptedValue(given) || encryption === undefined) return given;
    this.secret.add(id);
    try {
      return decryptText(encryption.key, given.value);
    } catch (error) {
      if (!(error instanceof EncryptionProblem)) throw error;
      this.refuse(id, `The input '${id}' cannot be read: ${error.message}.`);
      return null;
    }
  }

  private maySeal(id: string): boolean {
    this.secret.add(id);
    if (this.environment.encryption !== undefined) return true;
    this.refuse(
      id,
      `The input '${id}' is a SECRET and cannot be stored, because no encryption key is configured: ask the administrator to set 'encryption.secretKey'.`,
    );
    return false;
  }

  private default(input: Input): unknown {
    if (input.defaults !== undefined && input.defaults !== null) {
      return renderDeepTyped(input.defaults, this.seen(), this.environment);
    }
    if (input.autoSelectFirst !== true) return undefined;
    const choices = this.choices(input) ?? input.values ?? input.options;
    if (choices === undefined || choices === 'no list' || choices.length === 0) return undefined;
    return input.type === 'MULTISELECT' ? [choices[0]] : choices[0];
  }

  private choices({ expression }: Input): readonly unknown[] | 'no list' | undefined {
    if (expression === undefined) return undefined;
    const rendered = this.render(expression);
    const data = typeof rendered === 'string' ? listFrom(rendered) : rendered;
    return Array.isArray(data) ? data : 'no list';
  }

  private render(template: string): unknown {
    return renderTyped(template, this.seen(), this.environment);
  }

  private seen() {
    return variablesOf({ ...this.variables, inputs: nestByDots([...this.values]) });
  }

  private refuse(input: string, message: string): void {
    this.failed.add(input);
    this.faults.push({ input, message });
  }
}

function listFrom(text: string): unknown {
  try {
    const data: unknown = JSON.parse(text);
    return data;
  } catch {
    return undefined;
  }
}
