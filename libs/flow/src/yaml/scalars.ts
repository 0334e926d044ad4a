import type { ScalarTag, Tags } from 'yaml';

/**
 * Unquoted scalars by the rules of YAML 1.1 as the parsers of Java read them: `on` and `yes` are booleans (`y` and `n`
 * are text), `010` is octal, `1_000` has a separator, `0b1` and `0x1F` are numbers. Numbers to the base of sixty (`1:30`)
 * and dates are text.
 */
const BOOLEAN_WORD = /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON|false|False|FALSE|no|No|NO|off|Off|OFF)$/;
const TRUE_WORD = /^(?:true|yes|on)$/i;

const booleanTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value) => typeof value === 'boolean',
  test: BOOLEAN_WORD,
  resolve: (text) => TRUE_WORD.test(text),
};

const INTEGER = /^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)$/;

const integerTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  identify: (value) => typeof value === 'number' && Number.isInteger(value),
  test: INTEGER,
  resolve: integerOf,
};

function integerOf(text: string): number {
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(text.replaceAll('_', '')) ?? [];
  // `0o` is how JavaScript writes what YAML 1.1 begins with a bare zero.
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  return sign === '-' ? -value : value;
}

const FLOAT =
  /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)$/;

const floatTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => typeof value === 'number',
  test: FLOAT,
  resolve: (text) => Number(text.replaceAll('_', '')),
};

const OURS: Readonly<Record<string, ScalarTag>> = {
  [booleanTag.tag]: booleanTag,
  [integerTag.tag]: integerTag,
  [floatTag.tag]: floatTag,
};

/** The tags of the core schema with the scalars of YAML 1.1; infinities and what is no number stay as they are there. */
export function flowTags(core: Tags): Tags {
  const kept = core.filter((tag) => typeof tag !== 'object' || OURS[tag.tag] === undefined || isNotANumber(tag));
  return [...kept, booleanTag, integerTag, floatTag];
}

/** The core schema's tag for `.inf` and `.nan`, which are refused later with a sentence. */
const isNotANumber = (tag: Exclude<Tags[number], string>): boolean =>
  tag.tag === floatTag.tag && 'test' in tag && tag.test?.test('.inf') === true;
