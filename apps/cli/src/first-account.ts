import { Secret, type InitialAccount } from '@millrace/service';
import { generatedAccount } from './account.js';
import { createClient } from './client/client.js';
import { ServerRefusal, type Credentials } from './client/http.js';
import type { DataFolder } from './data-folder.js';

/** The account that a server on a data folder is started with, and what becomes of it. */
export interface FirstAccount {
  /** For the server, which creates it when there is none. */
  readonly initialAccount?: InitialAccount;
  /** A password that was made just now, and that nobody has seen. */
  readonly generated?: InitialAccount;
  /**
   * To be called when the server listens: afterwards the folder holds the account that opens the door, or none when that
   * is known to nobody here, and answers it.
   */
  settle(url: string): Promise<Credentials | undefined>;
}

/**
 * Chooses the first account: the given one, else the one that the folder holds, else, when wanted, a generated one.
 *
 * A generated password is written to the folder at once, before the account can exist: when the process dies at any
 * moment after that, the next server on the folder takes it from there. A given one is known to whoever gave it.
 */
export function prepareFirstAccount(
  folder: DataFolder,
  { given, generate }: { readonly given: InitialAccount | undefined; readonly generate: boolean },
): FirstAccount {
  const kept = folder.credentials();
  const generated = generate && !given && !kept ? generatedAccount() : undefined;
  if (generated) folder.keepCredentials(credentialsOf(generated));
  const initialAccount = given ?? (kept && accountOf(kept)) ?? generated;
  const candidates = [...(initialAccount ? [credentialsOf(initialAccount)] : []), ...(given && kept ? [kept] : [])];
  return {
    ...(initialAccount ? { initialAccount } : {}),
    ...(generated ? { generated } : {}),
    async settle(url) {
      for (const candidate of candidates) {
        if (!(await opensTheDoor(url, candidate))) continue;
        folder.keepCredentials(candidate);
        return candidate;
      }
      if (await createClient({ url }).isSetUp()) folder.forgetCredentials();
      return undefined;
    },
  };
}

async function opensTheDoor(url: string, credentials: Credentials): Promise<boolean> {
  try {
    await createClient({ url, credentials }).searchFlows({ size: 1 });
    return true;
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return false;
    throw error;
  }
}

/** With the password in the open. */
const credentialsOf = ({ username, password }: InitialAccount): Credentials => ({
  username,
  password: password.reveal(),
});

/** The reverse. */
export const accountOf = ({ username, password }: Credentials): InitialAccount => ({
  username,
  password: new Secret(password),
});
