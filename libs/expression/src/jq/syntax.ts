/** `$name`, `[…]` or `{key: …}`: what `as`, `reduce` and `foreach` bind. */
export type Pattern =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Pattern[] }
  | {
      readonly kind: 'map';
      readonly entries: readonly { readonly key: Node; readonly bind?: string; readonly value?: Pattern }[];
    };

/** A function as it is written; a parameter that begins with `$` is a value, others are filters. */
export interface Definition {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly body: Node;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '==' | '!=' | '<' | '<=' | '>' | '>=';
export type AssignOperator = '=' | '|=' | '+=' | '-=' | '*=' | '/=' | '%=' | '//=';

/** A jq program. */
export type Node =
  | { readonly kind: 'identity' | 'recurse' }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'variable' | 'format'; readonly name: string }
  | { readonly kind: 'break'; readonly name: string }
  | { readonly kind: 'index'; readonly target: Node; readonly key: Node }
  | { readonly kind: 'slice'; readonly target: Node; readonly from?: Node; readonly to?: Node }
  | { readonly kind: 'iterate' | 'negate'; readonly target: Node }
  | { readonly kind: 'text'; readonly format: string; readonly parts: readonly (string | Node)[] }
  | { readonly kind: 'list'; readonly body?: Node }
  | { readonly kind: 'map'; readonly entries: readonly { readonly key: Node; readonly value: Node }[] }
  | { readonly kind: 'pipe' | 'comma'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'and' | 'or' | 'alternative'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'assign'; readonly operator: AssignOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'if'; readonly condition: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: 'try'; readonly body: Node; readonly handler?: Node }
  | {
      readonly kind: 'reduce' | 'foreach';
      readonly source: Node;
      readonly pattern: Pattern;
      readonly start: Node;
      readonly update: Node;
      readonly extract?: Node;
    }
  | { readonly kind: 'as'; readonly source: Node; readonly patterns: readonly Pattern[]; readonly body: Node }
  | { readonly kind: 'define'; readonly definition: Definition; readonly body: Node }
  | { readonly kind: 'label'; readonly name: string; readonly body: Node }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] };
