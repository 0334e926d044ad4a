import { HttpError } from './errors.js';

/** Parameters of one request; more are refused before they are looked at. */
const PARAMETERS_MAX = 200;

/** The query of a URL, read with checks. A parameter that must be given once and is repeated is refused. */
export interface Query {
  text(name: string): string | undefined;
  required(name: string): string;
  all(name: string): readonly string[];
  /** @throws HttpError 422 when it is not a whole number within the bounds */
  integer(name: string, bounds: { readonly min: number; readonly max: number }): number | undefined;
  flag(name: string, otherwise: boolean): boolean;
  /** @throws HttpError 422 when it is none of `values` */
  choice<Value extends string>(name: string, values: readonly Value[]): Value | undefined;
  entries(): Iterable<readonly [string, string]>;
}

const refused = (message: string, path: string, status = 422): HttpError =>
  new HttpError(status, message, { faults: [{ message, path }] });

/** @throws HttpError 400 when there are too many parameters */
export function parseQuery(url: string): Query {
  const at = url.indexOf('?');
  const parameters = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
  if (parameters.size > PARAMETERS_MAX)
    throw new HttpError(400, `The query has ${parameters.size} parameters; at most ${PARAMETERS_MAX} are allowed`);
  const one = (name: string): string | undefined => {
    const values = parameters.getAll(name);
    if (values.length > 1) throw refused(`'${name}' is given ${values.length} times; give it once`, name, 400);
    return values[0];
  };
  return {
    text: one,
    required(name) {
      const value = one(name);
      if (value === undefined || value === '') throw refused(`The query parameter '${name}' is missing`, name, 400);
      return value;
    },
    all: (name) => parameters.getAll(name),
    integer(name, { min, max }) {
      const value = one(name);
      if (value === undefined || value === '') return undefined;
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (Number.isNaN(number) || number < min || number > max) {
        throw refused(`'${name}' must be a whole number from ${min} to ${max}, but is '${value.slice(0, 40)}'`, name);
      }
      return number;
    },
    flag(name, otherwise) {
      const value = one(name);
      if (value === undefined || value === '') return otherwise;
      if (value !== 'true' && value !== 'false')
        throw refused(`'${name}' must be true or false, but is '${value.slice(0, 40)}'`, name);
      return value === 'true';
    },
    choice(name, values) {
      const value = one(name);
      if (value === undefined || value === '') return undefined;
      const known = values.find((candidate) => candidate === value.toUpperCase());
      if (known === undefined)
        throw refused(`'${name}' must be one of ${values.join(', ')}, but is '${value.slice(0, 40)}'`, name);
      return known;
    },
    entries: () => parameters,
  };
}
