/**
 * What filters ask of a row, in a form that every store answers in its own way and with the same result. Nothing but `not`
 * holds for a row without the field. Text is compared as it is, except with `ignoreCase`: then without the case of ASCII
 * letters.
 */
export type Predicate =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Predicate[] }
  | { readonly kind: 'not'; readonly of: Predicate }
  | { readonly kind: 'exists'; readonly field: string }
  | { readonly kind: 'compare'; readonly field: string; readonly comparison: Comparison; readonly value: number }
  /** The namespace or one of its children. */
  | { readonly kind: 'within'; readonly field: string; readonly namespace: string }
  | (TextCondition & { readonly field: string })
  /** A label with the key, and a value that fits. */
  | { readonly kind: 'label'; readonly key: string; readonly value?: TextCondition }
  /** Each of these begins a word (`wordsOf`) of the message. */
  | { readonly kind: 'words'; readonly words: readonly string[] };

export type Comparison = '=' | '<' | '<=' | '>' | '>=';

export type TextCondition =
  | { readonly kind: 'equals'; readonly text: string }
  | { readonly kind: 'one-of'; readonly texts: readonly string[] }
  | { readonly kind: 'starts' | 'ends' | 'contains'; readonly text: string; readonly ignoreCase?: true };

export const all = (...of: readonly Predicate[]): Predicate => ({ kind: 'all', of });
export const any = (...of: readonly Predicate[]): Predicate => ({ kind: 'any', of });
export const not = (of: Predicate): Predicate => ({ kind: 'not', of });

/** Without the case of ASCII letters, as every store can do it. */
export const lowered = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
