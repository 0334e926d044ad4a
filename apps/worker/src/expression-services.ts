import type { KeyValues, NamespaceFiles } from '@millrace/resources';

/** What functions of expressions need besides storage and secrets; what is absent is said to be so when it is asked for. */
export interface ExpressionServices {
  /** `kv()`. */
  readonly keyValues?: Pick<KeyValues, 'find' | 'findInherited'>;
  /** Files of namespaces with their versions. */
  readonly namespaceFiles?: Pick<NamespaceFiles, 'find' | 'uriOf'>;
  /** Folders of this machine whose files `file:///` may name, when functions may read such files at all. */
  readonly localFilePaths?: readonly string[];
  /** Base64; opens encrypted inputs and outputs. */
  readonly encryptionKey?: string;
  /** Render results again until nothing changes (`variables.recursiveRendering`). */
  readonly recursive?: boolean;
}
