import { isPlainObject } from '@millrace/model';

const LEVELS: Readonly<Record<number, { readonly name: string; readonly colour: number }>> = {
  10: { name: 'TRACE', colour: 90 },
  20: { name: 'DEBUG', colour: 90 },
  30: { name: 'INFO', colour: 32 },
  40: { name: 'WARN', colour: 33 },
  50: { name: 'ERROR', colour: 31 },
};

/** Turns one line of the JSON log into one for people: time, level, sentence, fields; an error's stack on lines below. */
export function readableLine(line: string, { colour }: { readonly colour: boolean }): string {
  const entry: unknown = JSON.parse(line);
  if (!isPlainObject(entry)) return line;
  const { level, time, msg, err, ...fields } = entry;
  const known = LEVELS[Number(level)] ?? { name: String(level), colour: 0 };
  const paint = (text: string, code: number): string => (colour && code > 0 ? `\u001b[${code}m${text}\u001b[0m` : text);
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const details = Object.entries(fields).map(([name, value]) => ` ${paint(`${name}=`, 90)}${fieldText(value)}`);
  return `${paint(clock, 90)} ${paint(known.name.padEnd(5), known.colour)} ${String(msg)}${details.join('')}${errorText(err)}\n`;
}

const fieldText = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);

function errorText(error: unknown): string {
  if (!isPlainObject(error)) return '';
  const text = typeof error['stack'] === 'string' ? error['stack'] : JSON.stringify(error);
  return `\n  ${text.replaceAll('\n', '\n  ')}`;
}
