import type { PlainObject } from '@millrace/model';
import type { Configuration } from './configuration/schema.js';
import type { Environment } from './environment.js';

/** The server's own settings, which may hold passwords, are not for expressions, whatever the prefix is. */
const OWN_PREFIX = 'MILLRACE_';
const SECRET_PREFIX = 'SECRET_';

/** What a server gives to every expression: `envs`, `globals`, `kestra` (spec expressions.md §2). */
export function serverVariables(
  { variables, url, environment }: Configuration,
  variablesOfProcess: Environment,
): PlainObject {
  const { envVarsPrefix: prefix, globals, redactedEnvVars } = variables;
  const redacted = new Set(redactedEnvVars);
  const envs = Object.entries(variablesOfProcess).flatMap(([name, value]) => {
    const isOwn = name.startsWith(OWN_PREFIX) || name.startsWith(SECRET_PREFIX);
    const isHidden = !name.startsWith(prefix) || isOwn || redacted.has(name);
    return isHidden || value === undefined ? [] : [[name.slice(prefix.length).toLowerCase(), value] as const];
  });
  const kestra = {
    ...(url === undefined ? {} : { url }),
    ...(environment.name === undefined ? {} : { environment: environment.name }),
  };
  return { envs: Object.fromEntries(envs), globals, kestra };
}
