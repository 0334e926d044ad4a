import { ExpressionError, renderString, renderTyped, variablesOf, type Environment } from '../src/index.js';

export const NOW = Date.UTC(2026, 10, 22, 10, 41, 7, 123);

/** Draws 0, 0.1 … 0.9, 0, … so that results can be told. */
export function anEnvironment(overrides: Partial<Environment> = {}): Environment {
  let drawn = 0;
  return { now: NOW, random: () => (drawn++ % 10) / 10, timeZone: 'UTC', ...overrides };
}

export type Values = Readonly<Record<string, unknown>>;

export function render(template: string, values: Values = {}, overrides: Partial<Environment> = {}): string {
  return renderString(template, variablesOf(values), anEnvironment(overrides));
}

export function typed(template: string, values: Values = {}, overrides: Partial<Environment> = {}): unknown {
  return renderTyped(template, variablesOf(values), anEnvironment(overrides));
}

/** The error of a rendering that must fail. */
export function failure(template: string, values: Values = {}, overrides: Partial<Environment> = {}): ExpressionError {
  try {
    render(template, values, overrides);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${template} should have failed`);
}
