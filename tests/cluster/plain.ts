/*
 * Reading records without the engine's code: the checkers know their names and fields, and nothing of how they come about.
 */

export interface Plain {
  readonly [name: string]: unknown;
}

export const plain = (value: unknown): Plain => (typeof value === 'object' && value !== null ? { ...value } : {});
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const list = (value: unknown): readonly Plain[] => (Array.isArray(value) ? value.map(plain) : []);

export const ENDED: ReadonlySet<string> = new Set(['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'SKIPPED']);

/** Kafka's key of a state record (docs/queue.md): the length of the record's own key, that key, and the record's id. */
export function stateKeyParts(kafkaKey: string): { readonly key: string; readonly id: string } | undefined {
  const [, length, rest] = /^(\d+):(.*)$/s.exec(kafkaKey) ?? [];
  if (length === undefined || rest === undefined) return undefined;
  return { key: rest.slice(0, Number(length)), id: rest.slice(Number(length)) };
}
