import { visit, type Document, type ErrorCode, type YAMLError } from 'yaml';
import { quoted } from '../words.js';

/** A mistake at an offset of the text, before paths are known. */
export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
}

/** After one of these the parser only guesses the structure, so what it says next would be noise. */
const STRUCTURE_KEPT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_DQ_ESCAPE',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_TAGS',
  'TAG_RESOLVE_FAILED',
]);

const TEXT_AFTER_BRACES = /(?:^|[:\-,[]\s+)\{\{/;

/** Complaints that are made sentences: what has more of them is not a flow with mistakes. */
const FAULTS_MAX = 200;

/**
 * The parser's complaints as sentences: those that leave the structure known, and the first of the others. Of very many
 * only the first are told, and the structure counts as unknown.
 */
export function syntaxFaults(
  document: Document.Parsed,
  source: string,
): { faults: SyntaxFault[]; structureKnown: boolean } {
  const faults: SyntaxFault[] = [];
  const errors = [...document.errors, ...document.warnings].sort((left, right) => left.pos[0] - right.pos[0]);
  const unclosed = errors.find((error) => UNCLOSED.test(error.message));
  for (const error of errors) {
    // What follows an open bracket is misread before the parser notices that the bracket is open.
    if (unclosed !== undefined && IN_BRACKETS.test(error.message)) continue;
    faults.push(syntaxFault(error, document, source));
    if (!STRUCTURE_KEPT.has(error.code) || faults.length === FAULTS_MAX) return { faults, structureKnown: false };
  }
  return { faults, structureKnown: true };
}

const UNCLOSED = /^Flow (?:map|sequence) .*end with|^Missing closing/;
const IN_BRACKETS = /of flow (?:map|sequence) pairs/;
const MISPLACED_LINE = /^All mapping items|^Sequence item without|^All sequence items/;

function syntaxFault(error: YAMLError, document: Document.Parsed, source: string): SyntaxFault {
  const offset = Math.min(error.pos[0], source.length);
  const start = lineStart(source, offset);
  const braces = source.slice(start, offset).search(TEXT_AFTER_BRACES);
  if (error.code === 'UNEXPECTED_TOKEN' && braces >= 0) {
    return {
      offset: source.indexOf('{{', start + braces),
      message:
        "A text that begins with '{{' must be in quotes, because YAML reads an unquoted { as the beginning of a map: put the whole text in quotes.",
    };
  }
  if (UNCLOSED.test(error.message)) return unclosedFault(offset, document, source);
  if (MISPLACED_LINE.test(error.message)) {
    const indent = /^[ \n\r]*/.exec(source.slice(offset))?.[0].length ?? 0;
    return {
      offset: offset + indent,
      message:
        'This line is not indented like the lines that it belongs to: give all properties of one map the same number of spaces.',
    };
  }
  const special = SENTENCES[error.code];
  return { offset, message: typeof special === 'function' ? special(error, source) : special };
}

const CLOSING: Readonly<Record<string, string>> = {
  '[': "the ']'",
  '{': "the '}'",
  '"': 'the closing quote',
  "'": 'the closing quote',
};

/** Shown where it was opened: where it should be closed nobody knows. */
function unclosedFault(end: number, document: Document.Parsed, source: string): SyntaxFault {
  let opened: number | undefined;
  visit(document, {
    Node: (_, node) => {
      const [from, to] = [node.range?.[0] ?? 0, node.range?.[1] ?? -1];
      if (to === end && CLOSING[source[from] ?? ''] !== undefined) opened = Math.max(from, opened ?? 0);
    },
  });
  if (opened === undefined)
    return { offset: end, message: 'A quote or bracket above is not closed: close it where its value ends.' };
  const opening = source[opened] ?? '';
  const name = opening === '"' || opening === "'" ? 'quote' : `'${opening}'`;
  return {
    offset: opened,
    message: `This ${name} is not closed: add ${CLOSING[opening] ?? 'the end'} where the value ends.`,
  };
}

const lineStart = (source: string, offset: number): number => source.lastIndexOf('\n', offset - 1) + 1;

function lineAt(source: string, offset: number): string {
  const start = lineStart(source, offset);
  const end = source.indexOf('\n', offset);
  return source.slice(start, end < 0 ? source.length : end);
}

const characterAt = (error: YAMLError, source: string): string => source[error.pos[0]] ?? '';

const NOT_YAML = 'This is not YAML: check the quotes, the indentation and the lines above.';

const SENTENCES: Readonly<Record<ErrorCode, string | ((error: YAMLError, source: string) => string)>> = {
  ALIAS_PROPS: "An alias ('*name') cannot have an anchor or a tag: remove the anchor or the tag before it.",
  BAD_ALIAS:
    "This alias or anchor has no usable name: write letters and digits after '*' or '&', or put the text in quotes.",
  BAD_COLLECTION_TYPE: 'This tag does not fit the value after it: remove the tag.',
  BAD_DIRECTIVE: "This '%' line is not a directive that YAML knows: remove it.",
  BAD_DQ_ESCAPE: (error, source) =>
    `${quoted(source.slice(error.pos[0], error.pos[0] + 2))} is not an escape that YAML knows between double quotes: write '\\\\' for a backslash, or use single quotes.`,
  BAD_INDENT:
    'This line is not indented like the lines that it belongs to: give all properties of one map the same number of spaces.',
  BAD_PROP_ORDER: 'Anchors and tags must stand before the value that they belong to: move this one.',
  BAD_SCALAR_START: (error, source) =>
    `A text cannot begin with '${characterAt(error, source)}' in YAML: put it in quotes.`,
  BLOCK_AS_IMPLICIT_KEY:
    "There is a second ': ' in this value, which YAML would read as another property: put the value in quotes, or begin a new line.",
  BLOCK_IN_FLOW: 'A block (indented lines) cannot stand between brackets or braces: write the value on one line.',
  DUPLICATE_KEY: 'This property is written twice: remove one of the two.',
  IMPOSSIBLE: NOT_YAML,
  KEY_OVER_1024_CHARS: "This name is longer than 1,024 characters: check that the ':' is where it should be.",
  MISSING_CHAR: (error, source) => missingCharacter(error, source),
  MULTILINE_IMPLICIT_KEY:
    "This line has no ':' after its name: write 'name: value', or put a text of several lines in quotes.",
  MULTIPLE_ANCHORS: "A value can have only one anchor ('&name'): remove the others.",
  MULTIPLE_DOCS: "There is more than one document in this text: remove what follows the line '---'.",
  MULTIPLE_TAGS: 'A value can have only one tag: remove the others.',
  NON_STRING_KEY: 'The name of a property must be text: put it in quotes.',
  RESOURCE_EXHAUSTION: 'The text is nested too deeply to be read: use fewer levels.',
  TAB_AS_INDENT: 'This line is indented with a tab, which YAML does not allow: use spaces.',
  TAG_RESOLVE_FAILED: (error, source) =>
    `The tag ${quoted(source.slice(error.pos[0], error.pos[1]).trim())} is not known here: remove it, and put the value in quotes if it is text.`,
  UNEXPECTED_TOKEN: (error, source) => unexpectedToken(error, source),
};

function missingCharacter(error: YAMLError, source: string): string {
  if (error.message.includes('map values')) return "This line has no ':' after its name: write 'name: value'.";
  if (error.message.includes('must be separated')) return "There is a ',' missing between two entries: add it.";
  return lineAt(source, error.pos[0]).trim() === '' ? 'Something is not closed at the end of the text.' : NOT_YAML;
}

function unexpectedToken(error: YAMLError, source: string): string {
  if (error.message.includes('block-seq-ind'))
    return "A list cannot begin on the line of its name: write '- ' on the next line, indented.";
  if (error.message.includes('Block scalar header'))
    return "Text of several lines must begin on the line after '|' or '>': move it there.";
  const rest = lineAt(source, error.pos[0]);
  const before = source.slice(Math.max(0, error.pos[0] - 200), error.pos[0]);
  if (/["']\s*$/.test(before)) {
    return `There is text after the closing quote: put the whole value in quotes, or write the quotes inside it differently.`;
  }
  if (/[}\]]\s*$/.test(before))
    return 'There is text after a closing bracket: put the whole value in quotes, or begin a new line.';
  if (error.message.includes('YAML stream') || error.message.includes('at node end')) {
    return `YAML did not expect ${quoted(rest.trim())} here: check the indentation of this line and the lines above.`;
  }
  return NOT_YAML;
}
