/** Where the worker finds secrets. */
export interface SecretSource {
  /**
   * The secret's value; undefined when there is none.
   * @throws Error when it is there but cannot be read; the message never shows the value
   */
  find(key: string): string | undefined;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Secrets from environment variables `SECRET_<KEY>` in base64; the key is taken in upper case (spec expressions.md §5). */
export function environmentSecrets(environment: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    find(key) {
      const name = `SECRET_${key.toUpperCase()}`;
      const encoded = Object.hasOwn(environment, name) ? environment[name]?.replace(/\s+/g, '') : undefined;
      if (encoded === undefined) return undefined;
      if (!BASE64.test(encoded)) {
        throw new Error(`The environment variable ${name} of the worker is not base64: encode the secret's value`);
      }
      return Buffer.from(encoded, 'base64').toString('utf8');
    },
  };
}

/** What stands in a log where a secret was. */
const MASK = '******';

/** Remembers the secrets that an attempt has read and takes them out of what people will see. */
export interface SecretMask {
  add(secret: string): void;
  hide(text: string): string;
}

export function createSecretMask(): SecretMask {
  let hidden: string[] = [];
  return {
    add(secret) {
      // Logs are written line by line, so a secret of several lines is looked for line by line too.
      const pieces = [secret, ...secret.split(/\r?\n/)].map((piece) => piece.trim()).filter((piece) => piece !== '');
      // The longest first: a secret that is part of another must not spoil it.
      hidden = [...new Set([...hidden, ...pieces])].sort((one, other) => other.length - one.length);
    },
    hide: (text) => hidden.reduce((masked, secret) => masked.replaceAll(secret, MASK), text),
  };
}
