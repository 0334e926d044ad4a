import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runSupervised } from './supervised-process.js';

/** What brokers show to clients that connect encrypted. */
export interface Keystore {
  readonly file: string;
  readonly password: string;
  /** PEM: the certificate is its own authority. */
  readonly certificateAuthority: string;
}

const DAYS = '3650';

/**
 * A key and a certificate for loopback, for all brokers of a cluster, made anew at each start.
 * @throws Error when keytool, which belongs to Java, fails
 */
export async function makeKeystore(folder: string, limit: AbortSignal): Promise<Keystore> {
  const file = join(folder, 'keystore.p12');
  const certificate = join(folder, 'broker.pem');
  const password = randomBytes(12).toString('hex');
  for (const old of [file, certificate]) rmSync(old, { force: true });
  const store = ['-keystore', file, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker'];
  const key = ['-keyalg', 'RSA', '-keysize', '2048', '-validity', DAYS];
  const names = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost'];
  const keytool = (args: readonly string[]): Promise<void> =>
    runSupervised('The certificate of the brokers could not be made', ['keytool', ...args], folder, limit);
  await keytool(['-genkeypair', ...store, ...key, ...names]);
  await keytool(['-exportcert', '-rfc', ...store, '-file', certificate]);
  return { file, password, certificateAuthority: readFileSync(certificate, 'utf8') };
}
