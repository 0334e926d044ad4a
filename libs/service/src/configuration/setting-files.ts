import { readFileSync } from 'node:fs';
import { Secret } from '../secret.js';
import { ConfigurationError } from './problem.js';

/** One problem, found while settings were read. */
export const problem = (where: string, message: string): ConfigurationError =>
  new ConfigurationError([{ where, message }]);

/** The PEM file that a key names. @throws ConfigurationError: else the server would be blamed for what is wrong here */
export function readPem(key: string, file: string): string {
  const text = read(key, file);
  if (text.includes('-----BEGIN ')) return text;
  throw problem(
    file,
    `The file of '${key}' is no PEM file (it has no line '-----BEGIN …'): convert a keystore with keytool or openssl`,
  );
}

/**
 * The password of a user name: given, or the first line of a file.
 * @param section the keys' common beginning, such as `kafka.sasl`
 * @throws ConfigurationError when there is neither, or the file has none
 */
export function passwordOf(
  section: string,
  { password, passwordFile }: { readonly password?: Secret; readonly passwordFile?: string },
): Secret {
  if (password !== undefined) return password;
  if (passwordFile === undefined) {
    throw problem('configuration', `'${section}.username' needs 'password' or 'password-file' beside it`);
  }
  const [line = ''] = read(`${section}.password-file`, passwordFile).split(/\r?\n/, 1);
  if (line === '') throw problem(passwordFile, `The first line of the file of '${section}.password-file' is empty`);
  return new Secret(line);
}

function read(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem(file, `Cannot read the file of '${key}': ${error instanceof Error ? error.message : String(error)}`);
  }
}
