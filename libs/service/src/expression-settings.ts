import type { Configuration } from './configuration/schema.js';
import type { Secret } from './secret.js';

/** What the configuration says of expressions, for every server that renders some. */
export interface ExpressionSettings {
  /** Base64 of 16, 24 or 32 bytes: SECRET inputs and other encrypted values. Absent: there are none. */
  readonly encryptionKey?: Secret;
  /** Results of expressions are rendered again until nothing changes. */
  readonly recursiveRendering: boolean;
  /** Parsed templates that are kept; 0: none. */
  readonly cacheSize: number;
}

/** Reads them off. */
export function expressionSettings({ encryption, variables }: Configuration): ExpressionSettings {
  return {
    ...(encryption.secretKey === undefined ? {} : { encryptionKey: encryption.secretKey }),
    recursiveRendering: variables.recursiveRendering,
    cacheSize: variables.cacheEnabled ? variables.cacheSize : 0,
  };
}
