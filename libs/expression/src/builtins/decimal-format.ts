/** A Java `DecimalFormat` pattern, read. */
interface DecimalPattern {
  readonly prefix: string;
  readonly suffix: string;
  readonly negativePrefix: string | undefined;
  readonly negativeSuffix: string;
  readonly integerDigitsMin: number;
  readonly fractionDigitsMin: number;
  readonly fractionDigitsMax: number;
  /** Digits between grouping commas; 0 for none. */
  readonly grouping: number;
  readonly multiplier: 1 | 100 | 1000;
}

const FRACTION_DIGITS_MAX = 100;

/**
 * Formats a number by a Java decimal pattern: `0` a digit, `#` a digit if needed, `,` grouping, `.` the point, `%` and
 * `‰` multiply, `'` quotes, `;` begins the pattern of negative numbers. Rounds half to even, prints as in English.
 *
 * @returns undefined when the pattern cannot be read
 */
export function formatDecimal(value: number, pattern: string): string | undefined {
  const parsed = parsePattern(pattern);
  if (parsed === undefined) return undefined;
  const digits = roundHalfEven(Math.abs(value) * parsed.multiplier, parsed.fractionDigitsMax);
  const [whole = '0', fraction = ''] = digits.split('.');
  const kept = fraction.replace(/0+$/, '').padEnd(parsed.fractionDigitsMin, '0');
  const integer = group(trimInteger(whole, parsed, kept), parsed.grouping);
  const number = kept === '' ? integer : `${integer}.${kept}`;
  const isNegative = value < 0 && /[1-9]/.test(number);
  if (!isNegative) return parsed.prefix + number + parsed.suffix;
  if (parsed.negativePrefix === undefined) return `-${parsed.prefix}${number}${parsed.suffix}`;
  return parsed.negativePrefix + number + parsed.negativeSuffix;
}

/** `#.##` prints 0.5 as `.5`, as Java does, but never nothing at all. */
function trimInteger(whole: string, parsed: DecimalPattern, fraction: string): string {
  const significant = whole === '0' && parsed.integerDigitsMin === 0 && fraction !== '' ? '' : whole;
  return significant.padStart(parsed.integerDigitsMin, '0');
}

function group(whole: string, size: number): string {
  if (size === 0) return whole;
  const parts: string[] = [];
  for (let end = whole.length; end > 0; end -= size) parts.unshift(whole.slice(Math.max(0, end - size), end));
  return parts.join(',');
}

function parsePattern(pattern: string): DecimalPattern | undefined {
  const [positive = '', negative] = splitUnquoted(pattern);
  const read = /^((?:'[^']*'|[^#0,.'])*)([#0,]*)(?:\.([#0]*))?((?:'[^']*'|[^#0,.'])*)$/.exec(positive);
  if (read === null) return undefined;
  const [, prefix = '', whole = '', fraction = '', suffix = ''] = read;
  if (whole === '' && fraction === '') return undefined;
  const negativeRead =
    negative === undefined ? null : /^((?:'[^']*'|[^#0,.'])*)[#0,]*(?:\.[#0]*)?((?:'[^']*'|[^#0,.'])*)$/.exec(negative);
  const comma = whole.lastIndexOf(',');
  return {
    prefix: unquoted(prefix),
    suffix: unquoted(suffix),
    negativePrefix: negativeRead === null ? undefined : unquoted(negativeRead[1] ?? ''),
    negativeSuffix: unquoted(negativeRead?.[2] ?? ''),
    integerDigitsMin: countZeros(whole),
    fractionDigitsMin: countZeros(fraction),
    fractionDigitsMax: Math.min(fraction.length, FRACTION_DIGITS_MAX),
    grouping: comma < 0 ? 0 : whole.length - comma - 1,
    multiplier: /%/.test(prefix + suffix) ? 100 : /‰/.test(prefix + suffix) ? 1000 : 1,
  };
}

function splitUnquoted(pattern: string): readonly [string, string | undefined] {
  let quoted = false;
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] === "'") quoted = !quoted;
    else if (pattern[index] === ';' && !quoted) return [pattern.slice(0, index), pattern.slice(index + 1)];
  }
  return [pattern, undefined];
}

function unquoted(text: string): string {
  return text.replace(/'([^']*)'/g, (_, inner: string) => (inner === '' ? "'" : inner)).replaceAll('¤', '');
}

function countZeros(digits: string): number {
  return digits.replace(/[^0]/g, '').length;
}

/** Plain digits of a number that is not negative, rounded half to even at the last place, as Java does. */
function roundHalfEven(value: number, places: number): string {
  const plain = plainDigits(value);
  const [whole = '0', fraction = ''] = plain.split('.');
  if (fraction.length <= places) return plain;
  const kept = BigInt(whole + fraction.slice(0, places));
  const rest = fraction.slice(places);
  const isHalf = /^50*$/.test(rest);
  const roundsUp = isHalf ? kept % 2n === 1n : rest >= '5';
  const digits = String(roundsUp ? kept + 1n : kept).padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The shortest digits that stand for the number, without an exponent. */
function plainDigits(value: number): string {
  const read = /^(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (read === null) return String(value);
  const [, whole = '', fraction = '', exponent = '0'] = read;
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  return point >= digits.length ? digits.padEnd(point, '0') : `${digits.slice(0, point)}.${digits.slice(point)}`;
}
