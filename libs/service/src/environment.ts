/** Environment variables by name, as the process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The only reader of the process's environment (an architecture test checks it): everything else gets what it needs as
 * an argument, so that a test or an embedding program can choose it.
 */
export const processEnvironment = (): Environment => process.env;
