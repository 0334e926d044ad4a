import { isPlainObject, LOG_LEVELS, type LogLevel, type PlainObject } from '@millrace/model';
import { TaskFailure, type TaskContext } from '@millrace/plugin-api';
import { PROTOCOL_LINE_MAX } from './lines.js';

/** Bytes of all outputs of a script, as JSON; the limit of the outputs of any task. */
export const VARS_BYTES_MAX = 512 * 1024;

/** Collects what a script says to Millrace with lines `::{"outputs": …, "metrics": […], "logs": […]}::`. */
export interface OutputProtocol {
  /** Output values by name; a later one replaces an earlier one. */
  readonly vars: PlainObject;
  /**
   * Takes a line that is a message; false for any other line.
   * @throws TaskFailure when the outputs become too large
   */
  take(line: string): boolean;
}

export function createOutputProtocol({ log, metric }: Pick<TaskContext, 'log' | 'metric'>): OutputProtocol {
  const vars = new Map<string, unknown>();
  let bytes = 0;

  function keep(outputs: PlainObject): void {
    for (const [name, value] of Object.entries(outputs)) {
      bytes += entryBytes(name, value) - (vars.has(name) ? entryBytes(name, vars.get(name)) : 0);
      vars.set(name, value);
    }
    if (bytes > VARS_BYTES_MAX) throw tooLarge();
  }

  return {
    get vars() {
      return Object.fromEntries(vars);
    },
    take(line) {
      if (line.length >= PROTOCOL_LINE_MAX && MESSAGE.test(line)) throw tooLarge();
      const message = messageOf(line);
      if (!message) return false;
      if (isPlainObject(message['outputs'])) keep(message['outputs']);
      for (const entry of listOf(message['metrics'])) publish(entry, metric, log);
      for (const entry of listOf(message['logs'])) {
        if (typeof entry['message'] === 'string') log.write(levelOf(entry['level']), entry['message']);
      }
      return true;
    },
  };
}

/** What a message looks like when it was cut and cannot be read any more. */
const MESSAGE = /::\{\s*"(?:outputs|metrics|logs)"/;

const tooLarge = (): TaskFailure =>
  new TaskFailure(
    `The outputs of the script are larger than ${VARS_BYTES_MAX} bytes: write large data to a file and name it in outputFiles`,
  );

const entryBytes = (name: string, value: unknown): number => Buffer.byteLength(JSON.stringify({ [name]: value }));

function messageOf(line: string): PlainObject | undefined {
  const start = line.indexOf('::{');
  const end = line.lastIndexOf('}::');
  if (start < 0 || end < start) return undefined;
  try {
    const message: unknown = JSON.parse(line.slice(start + 2, end + 1));
    return isPlainObject(message) ? message : undefined;
  } catch {
    // It only looks like a message: an ordinary line of the log.
    return undefined;
  }
}

const listOf = (value: unknown): readonly PlainObject[] => (Array.isArray(value) ? value.filter(isPlainObject) : []);

const levelOf = (value: unknown): LogLevel =>
  LOG_LEVELS.find((level) => level === (typeof value === 'string' ? value.toUpperCase() : value)) ?? 'INFO';

function publish(entry: PlainObject, metric: TaskContext['metric'], log: TaskContext['log']): void {
  const { name, value, type } = entry;
  if (
    typeof name !== 'string' ||
    typeof value !== 'number' ||
    (type !== 'counter' && type !== 'timer' && type !== 'gauge')
  ) {
    log.write(
      'WARN',
      'A metric of the script was left out: it needs a name, a type (counter, timer or gauge) and a numeric value',
    );
    return;
  }
  const given = isPlainObject(entry['tags']) ? entry['tags'] : {};
  const tags = Object.fromEntries(Object.entries(given).map(([tag, text]) => [tag, String(text)]));
  metric({ type, name, value, tags });
}
