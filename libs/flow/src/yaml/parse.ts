import { Composer, Lexer, LineCounter, Parser, type Document, type ParsedNode } from 'yaml';
import type { FlowLimits } from '../limits.js';
import { flowTags } from './scalars.js';
import type { SyntaxFault } from './syntax-faults.js';

/** A document of a YAML text as the parser left it. Offsets count UTF-16 units in the whole text. */
export interface YamlText {
  readonly source: string;
  readonly documents: readonly Document.Parsed<ParsedNode>[];
  readonly lines: LineCounter;
}

/** What keeps a text from occupying the process. */
export type YamlLimits = Pick<FlowLimits, 'tokens' | 'documents'>;

/**
 * Parses all documents of a text, and stops at the limits with a fault. Duplicate keys, merge keys and aliases are not
 * looked at here: `toPlainData` does so in time linear in the text. A text nested too deeply for the parser comes back
 * with its error RESOURCE_EXHAUSTION.
 */
export function parseYaml(source: string, limits: YamlLimits): YamlText | { readonly fault: SyntaxFault } {
  // The parser makes an error of each mistake; the traces of thousands of them cost more than all else, and none is read.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseWithin(source, limits);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function parseWithin(source: string, limits: YamlLimits): YamlText | { readonly fault: SyntaxFault } {
  const lines = new LineCounter();
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer<ParsedNode>({
    schema: 'core',
    customTags: flowTags,
    resolveKnownTags: false,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: false,
  });
  let fault: SyntaxFault | undefined;
  function* tokens() {
    let count = 0;
    lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(source)) {
      if (++count > limits.tokens) {
        fault = { offset: parser.offset, message: tooMuch(limits.tokens, 'words and signs') };
        return;
      }
      yield* parser.next(lexeme);
    }
    yield* parser.end();
  }
  const documents: Document.Parsed<ParsedNode>[] = [];
  for (const document of composer.compose(tokens())) {
    documents.push(document);
    if (documents.length > limits.documents)
      return { fault: { offset: document.range[0], message: tooMuch(limits.documents, 'documents') } };
  }
  return fault === undefined ? { source, documents, lines } : { fault };
}

const tooMuch = (limit: number, what: string): string =>
  `The text has more than ${limit.toLocaleString('en-US')} ${what}: split it into several texts.`;
