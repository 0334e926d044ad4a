import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

/**
 * The tables that the SQL queue writes in its own transactions, as far as the repository reads them. Columns beside
 * `key`, `id`, `value` are those of the topics in libs/model.
 */
export interface Tables {
  readonly executions: {
    readonly key: string;
    readonly id: string;
    /** JSON. */
    readonly value: string;
    readonly kind: string;
    readonly tenant: string | null;
    readonly execution_id: string | null;
    readonly namespace: string | null;
    readonly flow_id: string | null;
    readonly state: string | null;
    readonly start_date: number | null;
    readonly end_date: number | null;
    readonly trigger_execution_id: string | null;
  };
  readonly task_runs: { readonly key: string; readonly id: string; readonly value: string };
  readonly triggers: {
    readonly key: string;
    readonly id: string;
    readonly value: string;
    readonly kind: string;
    readonly tenant: string | null;
    readonly namespace: string | null;
    readonly flow_id: string | null;
    readonly trigger_id: string | null;
    readonly execution_id: string | null;
    readonly worker_id: string | null;
    readonly date: number | null;
    readonly next_execution_date: number | null;
    readonly disabled: number | null;
  };
  readonly logs: {
    readonly partition: number;
    readonly position: number;
    readonly key: string;
    readonly value: string;
    readonly tenant: string;
    readonly namespace: string;
    readonly flow_id: string;
    readonly execution_id: string;
    readonly task_run_id: string | null;
    readonly level: number;
    readonly timestamp: number;
  };
  readonly metrics: {
    readonly partition: number;
    readonly position: number;
    readonly key: string;
    readonly value: string;
    readonly tenant: string;
    readonly namespace: string;
    readonly flow_id: string;
    readonly execution_id: string;
    readonly timestamp: number;
  };
}

/** Builds statements; they are run by `StatementReader`, so that a long search can run outside the event loop. */
export const statements = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
