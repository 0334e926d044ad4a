import { readFileSync } from 'node:fs';
import { Secret } from '../secret.js';
import { ConfigurationError } from './problem.js';
import type { Configuration } from './schema.js';

/** The account that is created when the installation has none. */
export interface InitialAccount {
  readonly username: string;
  readonly password: Secret;
}

/**
 * The account that the configuration asks for; undefined when it names none. Reads the password file.
 *
 * @throws ConfigurationError when the password file cannot be read or is empty
 */
export function configuredAccount({ security, server }: Configuration): InitialAccount | undefined {
  const { username, password, passwordFile } = security.superAdmin;
  if (username !== undefined && password !== undefined) return { username, password };
  if (username !== undefined && passwordFile !== undefined) return { username, password: readPassword(passwordFile) };
  if (username !== undefined) {
    const message = "'security.super-admin.username' needs 'password' or 'password-file' beside it";
    throw new ConfigurationError([{ where: 'configuration', message }]);
  }
  const { basicAuth } = server;
  if (basicAuth.username === undefined || basicAuth.password === undefined) return undefined;
  return { username: basicAuth.username, password: basicAuth.password };
}

function readPassword(file: string): Secret {
  const refuse = (why: string): ConfigurationError =>
    new ConfigurationError([
      { where: file, message: `Cannot take the password of 'security.super-admin.password-file': ${why}` },
    ]);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw refuse(String(error));
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw refuse('its first line is empty');
  return new Secret(line);
}
