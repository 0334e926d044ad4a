import { isPlainObject, type PlainObject } from '@millrace/model';
import { TaskFailure, type TaskContext } from '@millrace/plugin-api';

/** Renders the properties that a script task renders itself. */
export interface OwnRendering {
  text(written: string): Promise<string>;
  /** A list of texts; one text is a list as JSON, or a single entry. */
  lines(name: string, written: readonly unknown[] | string | undefined): Promise<readonly string[]>;
  /** A map of texts; one text is a map as JSON. Names are rendered too. */
  map(name: string, written: PlainObject | string | undefined): Promise<Readonly<Record<string, string>>>;
}

export function createOwnRendering(context: Pick<TaskContext, 'render'>, variables: PlainObject): OwnRendering {
  const text = (written: string): Promise<string> => context.render(written, variables);

  async function each(name: string, written: unknown): Promise<string> {
    try {
      if (typeof written === 'string') return await text(written);
      return written === null || written === undefined ? '' : await text(JSON.stringify(written));
    } catch (error) {
      throw new TaskFailure(
        `Property '${name}' cannot be rendered: ${error instanceof Error ? error.message : String(error)}`,
        undefined,
        error,
      );
    }
  }

  return {
    text: (written) => each('script', written),
    async lines(name, written = []) {
      if (typeof written !== 'string') {
        const lines: string[] = [];
        for (const line of written) lines.push(await each(name, line));
        return lines;
      }
      const rendered = await each(name, written);
      const list = parsed(rendered, '[');
      return Array.isArray(list)
        ? list.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
        : [rendered];
    },
    async map(name, written = {}) {
      const entries: [string, string][] = [];
      if (typeof written !== 'string') {
        for (const [key, value] of Object.entries(written)) {
          entries.push([await each(name, key), await each(`${name}.${key}`, value)]);
        }
        return Object.fromEntries(entries);
      }
      const rendered = await each(name, written);
      if (rendered.trim() === '') return {};
      const map = parsed(rendered, '{');
      if (!isPlainObject(map)) throw new TaskFailure(`Property '${name}' must be a map, or text that is one as JSON`);
      return Object.fromEntries(
        Object.entries(map).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
      );
    },
  };
}

function parsed(text: string, opening: '[' | '{'): unknown {
  if (!text.trimStart().startsWith(opening)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller takes the text as it is, or says what it needs.
    return undefined;
  }
}
