import type Database from 'libsql';

type Parameter = string | number | null;

/** Rows of one multi-row statement. */
const MANY = 16;

/**
 * Writes rows of one shape, many with one statement where there are many: binding and stepping cost more than the row.
 * `statement` is the text around the list of value tuples.
 */
export interface RowWriter {
  /** @throws TypeError for a cell of another type, which a record from elsewhere may have; nothing of the row is kept */
  add(row: readonly Parameter[]): void;
  flush(): void;
  /** What is buffered belongs to a transaction that was rolled back. */
  forget(): void;
}

export function createRowWriter(
  database: Database.Database,
  width: number,
  statement: (values: string) => string,
): RowWriter {
  const tuple = `(${Array<string>(width).fill('?').join(', ')})`;
  const one = database.prepare(statement(tuple));
  const many = database.prepare(statement(Array<string>(MANY).fill(tuple).join(', ')));
  let parameters: Parameter[] = [];
  return {
    add(row) {
      for (const value of row) assertCell(value);
      for (const value of row) parameters.push(value);
      if (parameters.length < width * MANY) return;
      many.run(parameters);
      parameters = [];
    },
    flush() {
      for (let at = 0; at < parameters.length; at += width) one.run(parameters.slice(at, at + width));
      parameters = [];
    },
    forget() {
      parameters = [];
    },
  };
}

/** The driver ends the whole process when it is given a boolean. */
function assertCell(value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return;
  throw new TypeError(`A cell must be text, a number or nothing, but is ${typeof value}`);
}

/** A row as libsql gives it in raw mode. */
export function cells(row: unknown): readonly unknown[] {
  if (!Array.isArray(row)) throw new TypeError('The database answered something that is no row');
  return row;
}

export const text = (cell: unknown): string => {
  if (typeof cell !== 'string') throw new TypeError(`The database answered ${typeof cell} where text was expected`);
  return cell;
};

export const integer = (cell: unknown): number => {
  if (typeof cell !== 'number') throw new TypeError(`The database answered ${typeof cell} where a number was expected`);
  return cell;
};
