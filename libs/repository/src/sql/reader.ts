import Database from 'libsql';
import { RepositoryError } from '../contract.js';

export type Row = Readonly<Record<string, unknown>>;

/** A statement with its bound values. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Runs statements on a read-only connection of its own. */
export interface StatementReader {
  /** Of one state of the tables, whoever writes meanwhile; answers the rows of each statement. */
  together(statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>;
  close(): Promise<void>;
}

/** Runs a statement in the calling thread. */
export interface DirectReader {
  allNow(statement: Statement): readonly Row[];
  close(): Promise<void>;
}

const STATEMENTS_KEPT = 64;

/** Nothing was written yet: the queue makes a table when its topic is first used. */
const isMissingTable = (error: unknown): boolean => error instanceof Error && /no such table/.test(error.message);

/**
 * Reads in the calling thread: for look-ups by key, which take microseconds.
 * @throws RepositoryError UNAVAILABLE when the file cannot be opened
 */
export function createDirectReader(file: string): DirectReader {
  const database = open(file);
  const prepared = new Map<string, Database.Statement>();
  const allNow = ({ sql, parameters }: Statement): readonly Row[] => {
    try {
      let statement = prepared.get(sql);
      if (!statement) {
        statement = database.prepare(sql);
        if (prepared.size >= STATEMENTS_KEPT) prepared.clear();
        prepared.set(sql, statement);
      }
      // The driver types rows as unknown; a row of a statement is always an object.
      return statement.all(...parameters) as readonly Row[];
    } catch (error) {
      if (isMissingTable(error)) return [];
      throw new RepositoryError('UNAVAILABLE', `The database could not be read: ${reasonOf(error)}`, true, error);
    }
  };
  return {
    allNow,
    close: async () => {
      prepared.clear();
      if (database.open) database.close();
    },
  };
}

function open(file: string): Database.Database {
  try {
    const database = new Database(file, { readonly: true });
    database.pragma('query_only = 1');
    return database;
  } catch (error) {
    throw new RepositoryError(
      'UNAVAILABLE',
      `The database cannot be opened for reading: ${reasonOf(error)}`,
      false,
      error,
    );
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
