import { isPlainObject, type PlainObject } from '@millrace/model';
import { connect, type ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import { CommandFailure, EXIT } from '../exit-code.js';
import { tableLines } from '../output/table.js';

export interface LetterListFlags extends ServerChoice {
  readonly processor?: string;
  readonly topic?: string;
  readonly size: number;
  readonly json?: boolean;
}

export interface ReplayFlags extends ServerChoice {
  readonly all?: boolean;
  readonly processor?: string;
  readonly again?: boolean;
}

const PATH = 'instance/dead-letters';
const REASON_SHOWN = 100;

/** `millrace dead-letters list`. */
export async function listLetters(flags: LetterListFlags, context: CommandContext): Promise<number> {
  const { processor, topic, size, json } = flags;
  const client = await connect(flags, context);
  const answer = await client.request('GET', PATH, { query: { size, processor, topic } });
  const results =
    isPlainObject(answer) && Array.isArray(answer['results']) ? answer['results'].filter(isPlainObject) : [];
  const total = isPlainObject(answer) ? Number(answer['total']) : 0;
  if (json) {
    context.stdout.write(`${JSON.stringify(results)}\n`);
    return EXIT.ok;
  }
  const heading = ['ID', 'AT', 'PROCESSOR', 'TOPIC', 'REPLAYED', 'KEY', 'REASON'];
  for (const line of tableLines(heading, results.map(letterRow))) context.stdout.write(`${line}\n`);
  if (total > results.length) context.stdout.write(`${results.length} of ${total}; --size shows more\n`);
  return EXIT.ok;
}

function letterRow(letter: PlainObject): readonly string[] {
  const text = (name: string): string => String(letter[name] ?? '');
  const replayed = isPlainObject(letter['replayed']) ? 'yes' : 'no';
  const reason = text('reason').split('\n', 1)[0] ?? '';
  const shown = reason.length > REASON_SHOWN ? `${reason.slice(0, REASON_SHOWN)}…` : reason;
  return [text('id'), text('at'), text('processor'), text('topic'), replayed, text('key'), shown];
}

/** `millrace dead-letters show`. */
export async function showLetter(id: string, flags: ServerChoice, context: CommandContext): Promise<number> {
  const client = await connect(flags, context);
  const letter = await client.request('GET', `${PATH}/${encodeURIComponent(id)}`);
  context.stdout.write(`${JSON.stringify(letter, undefined, 2)}\n`);
  return EXIT.ok;
}

/** `millrace dead-letters replay`: 1 when one of the letters was refused. */
export async function replayLetters(
  ids: readonly string[],
  flags: ReplayFlags,
  context: CommandContext,
): Promise<number> {
  const { all = false, processor, again = false } = flags;
  if (all === ids.length > 0) throw new CommandFailure(EXIT.usage, 'Name letters by their ids, or give --all');
  if (processor !== undefined && !all) throw new CommandFailure(EXIT.usage, '--processor goes with --all');
  if (all && again)
    throw new CommandFailure(EXIT.usage, '--again goes with ids: it would replay every letter there is');
  const client = await connect(flags, context);
  const body = JSON.stringify({
    again,
    ...(all ? { all, ...(processor === undefined ? {} : { processor }) } : { ids }),
  });
  let count = 0;
  for (;;) {
    const answer = await client.request('POST', `${PATH}/replay`, { body, contentType: 'application/json' });
    const { replayed, refused, left } = replayAnswer(answer);
    count += replayed;
    // Another round would only meet those again that were refused.
    if (left > 0 && replayed > 0) continue;
    for (const line of refused) context.stderr.write(`${line}\n`);
    context.stdout.write(`${count} replayed, ${refused.length} not\n`);
    return refused.length > 0 ? EXIT.failed : EXIT.ok;
  }
}

function replayAnswer(answer: unknown): { replayed: number; refused: readonly string[]; left: number } {
  if (!isPlainObject(answer) || !Array.isArray(answer['replayed']) || !Array.isArray(answer['refused'])) {
    throw new Error('The server did not say what it replayed');
  }
  const refused = answer['refused'].filter(isPlainObject).map(({ id, message }) => `${String(id)}: ${String(message)}`);
  return { replayed: answer['replayed'].length, refused, left: Number(answer['left'] ?? 0) };
}
