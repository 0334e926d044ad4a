import type { Run } from './run.js';

/** Where a template's output goes. `text` is called for the template's own text, `value` for expressions. */
export interface Sink {
  text(text: string, raw: boolean): void;
  value(value: unknown): void;
}

const RAW_OPEN = '\uE000';
const RAW_CLOSE = '\uE001';

/** Collects text. */
export class TextSink implements Sink {
  result = '';

  constructor(private readonly run: Run) {}

  text(text: string, raw: boolean): void {
    this.result += raw ? protectedRaw(text, this.run) : text;
    this.run.willMake(this.result.length);
  }

  value(value: unknown): void {
    this.result += typeof value === 'string' ? value : this.run.text(value);
    this.run.willMake(this.result.length);
  }
}

/**
 * Keeps the type of what is printed when it is the only output. Several scalars become text; when one of several is a
 * list or map, the text is read as JSON if it is JSON. No output at all is null.
 */
export class TypedSink implements Sink {
  private first: unknown = null;
  private count = 0;
  private hasCollection = false;
  private joined = '';

  constructor(private readonly run: Run) {}

  text(text: string, raw: boolean): void {
    this.value(raw ? protectedRaw(text, this.run) : text);
  }

  value(value: unknown): void {
    this.hasCollection ||= typeof value === 'object' && value !== null && !(value instanceof Date);
    if (this.count++ === 0) {
      this.first = value;
      return;
    }
    if (this.count === 2) this.joined = this.run.text(this.first);
    this.joined += this.run.text(value);
    this.run.willMake(this.joined.length);
  }

  result(): unknown {
    if (this.count <= 1) return this.run.materialise(this.first);
    if (!this.hasCollection) return this.joined;
    try {
      const parsed: unknown = JSON.parse(this.joined);
      return parsed;
    } catch {
      return this.joined;
    }
  }
}

/** While text is rendered repeatedly, raw content is replaced by a placeholder that no round changes. */
function protectedRaw(text: string, run: Run): string {
  if (run.rawParts === undefined) return text;
  return `${RAW_OPEN}${run.rawParts.push(text) - 1}${RAW_CLOSE}`;
}

/** Puts raw contents back in place of their placeholders. */
export function restoreRaw(text: string, rawParts: readonly string[]): string {
  if (rawParts.length === 0) return text;
  return text.replace(/\uE000(\d+)\uE001/g, (placeholder, index: string) => rawParts[Number(index)] ?? placeholder);
}
