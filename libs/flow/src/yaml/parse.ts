import { LineCounter, parseAllDocuments, type Document, type ParsedNode, type ScalarTag, type Tags } from 'yaml';

/** A document of a YAML text as the parser left it. Offsets count UTF-16 units in the whole text. */
export interface YamlText {
  readonly source: string;
  readonly documents: readonly Document.Parsed<ParsedNode>[];
  readonly lines: LineCounter;
}

/** What flows call true and false: the words of YAML 1.1 as Java's parsers know them (`y` and `n` are text). */
const BOOLEAN_WORD = /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON|false|False|FALSE|no|No|NO|off|Off|OFF)$/;
const TRUE_WORD = /^(?:true|yes|on)$/i;

const booleanTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value) => typeof value === 'boolean',
  test: BOOLEAN_WORD,
  resolve: (text) => TRUE_WORD.test(text),
};

/** The core schema (numbers as in YAML 1.2, dates are text) with the booleans of 1.1. */
const flowTags = (core: Tags): Tags =>
  core.map((tag) => (typeof tag === 'object' && tag.tag === booleanTag.tag ? booleanTag : tag));

/**
 * Parses all documents of a text. Duplicate keys, merge keys and aliases are not looked at here: `toPlainData` does so
 * in time linear in the text. A text nested too deeply for the parser comes back with its error RESOURCE_EXHAUSTION.
 */
export function parseYaml(source: string): YamlText {
  const lines = new LineCounter();
  const parsed = parseAllDocuments<ParsedNode>(source, {
    schema: 'core',
    customTags: flowTags,
    resolveKnownTags: false,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: false,
  });
  return { source, documents: Array.isArray(parsed) ? parsed : [], lines };
}
