/** One thing wrong with the configuration. */
export interface ConfigurationProblem {
  /** `millrace.yml:3:5`, the name of an environment variable or of a flag. */
  readonly where: string;
  /** A sentence that says what is wrong and what would be right. Never holds a secret. */
  readonly message: string;
}

/** The configuration cannot be used; says every problem at once. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(problems.map(({ where, message }) => `${where}: ${message}`).join('\n'));
  }
}
