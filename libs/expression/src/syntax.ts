import type { Position } from './error.js';

/**
 * The immutable syntax tree. `height` is the longest way to a leaf: the evaluator adds the heights of what it enters,
 * which bounds its recursion without counting at each node.
 */
interface Node {
  readonly at: Position;
  readonly height: number;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  /** An integer beyond 2^53 is a bigint, which keeps all digits. */
  readonly value: string | number | bigint | boolean | null;
  /** Written with a decimal point: division by or of it is not an integer division. */
  readonly decimal: boolean;
}
export interface Name extends Node {
  readonly kind: 'name';
  readonly name: string;
}
export interface Attribute extends Node {
  readonly kind: 'attribute';
  readonly target: Expression;
  readonly name: string;
}
export interface Subscript extends Node {
  readonly kind: 'subscript';
  readonly target: Expression;
  readonly key: Expression;
}
export interface ListLiteral extends Node {
  readonly kind: 'list';
  readonly items: readonly Expression[];
}
export interface MapLiteral extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expression; readonly value: Expression }[];
}
export interface Unary extends Node {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  readonly operand: Expression;
}
export interface Binary extends Node {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** An operand is a decimal by the way it is written, so `/` gives a decimal too. */
  readonly decimal: boolean;
}
export interface Conditional extends Node {
  readonly kind: 'conditional';
  readonly condition: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}
export interface FilterCall extends Node {
  readonly kind: 'filter';
  readonly input: Expression;
  readonly name: string;
  readonly args: Arguments;
}
export interface TestCall extends Node {
  readonly kind: 'test';
  readonly input: Expression;
  readonly name: string;
  readonly args: Arguments;
  readonly negated: boolean;
}
export interface FunctionCall extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly args: Arguments;
}
/** Arguments of a filter, test, function or macro, in the order written: positional ones come first. */
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly NamedArgument[];
}
export interface NamedArgument {
  readonly name: string;
  readonly value: Expression;
}

export type Expression =
  | Literal
  | Name
  | Attribute
  | Subscript
  | ListLiteral
  | MapLiteral
  | Unary
  | Binary
  | Conditional
  | FilterCall
  | TestCall
  | FunctionCall;

export type UnaryOperator = 'not' | '-' | '+';

/** Binding power of the binary operators (larger binds tighter); all are left-associative. */
export const PRECEDENCE = {
  or: 10,
  and: 15,
  is: 20,
  contains: 20,
  equals: 30,
  '==': 30,
  '!=': 30,
  '>': 30,
  '<': 30,
  '>=': 30,
  '<=': 30,
  '+': 40,
  '-': 40,
  '*': 60,
  '/': 60,
  '%': 60,
  '|': 100,
  '~': 110,
  '..': 120,
  '??': 120,
  '???': 120,
  isIn: 120,
} as const;

/** Operators that stand between two expressions; `is` and `|` take a name on the right and are nodes of their own. */
export type BinaryOperator = Exclude<keyof typeof PRECEDENCE, 'is' | '|'>;

export interface Text extends Node {
  readonly kind: 'text';
  readonly text: string;
  /** From a raw tag: stays as it is when the result is rendered again. */
  readonly raw: boolean;
}
export interface Print extends Node {
  readonly kind: 'print';
  readonly expression: Expression;
}
export interface If extends Node {
  readonly kind: 'if';
  readonly branches: readonly { readonly condition: Expression; readonly body: Body }[];
  readonly otherwise: Body;
}
export interface For extends Node {
  readonly kind: 'for';
  readonly variable: string;
  readonly iterable: Expression;
  readonly body: Body;
  readonly otherwise: Body;
}
export interface SetTag extends Node {
  readonly kind: 'set';
  readonly name: string;
  readonly value: Expression;
}
export interface Block extends Node {
  readonly kind: 'block';
  readonly name: string;
  readonly body: Body;
}
export interface FilterTag extends Node {
  readonly kind: 'filterTag';
  readonly filters: readonly { readonly name: string; readonly args: Arguments; readonly at: Position }[];
  readonly body: Body;
}
export interface Macro extends Node {
  readonly kind: 'macro';
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly fallback: Expression | undefined }[];
  readonly body: Body;
  /** The template in which it is written, for the excerpt in error messages. */
  readonly source: string;
}

export type Statement = Text | Print | If | For | SetTag | Block | FilterTag | Macro;
export type Body = readonly Statement[];

/** A parsed template. Macros and blocks are known in the whole template, wherever they are written. */
export interface Tree {
  readonly source: string;
  readonly body: Body;
  readonly height: number;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly blocks: ReadonlyMap<string, Block>;
}
