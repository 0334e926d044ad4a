import { StringDecoder } from 'node:string_decoder';
import { LOG_LIMITS } from '@millrace/plugin-api';

/** What marks a line that speaks to Millrace; such a line may be longer than a line of the log. */
export const PROTOCOL_START = '::{';

/** UTF-16 units of a line with outputs. */
export const PROTOCOL_LINE_MAX = 640 * 1024;

/** Cuts a stream of bytes into lines, without ever keeping more than the longest line that is allowed. */
export interface LineSplitter {
  /** The lines that are complete with this chunk. */
  push(chunk: Buffer): readonly string[];
  /** The last line, when it has no line break. */
  end(): readonly string[];
}

export function createLineSplitter(): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let kept = '';
  /** Units of the current line that were not kept. */
  let dropped = 0;

  function append(piece: string): void {
    const before = kept.length;
    // Nothing is added to a line once a part of it was dropped.
    if (dropped === 0) kept += piece.slice(0, PROTOCOL_LINE_MAX - before);
    dropped += piece.length - (kept.length - before);
    if (kept.length <= LOG_LIMITS.lineLength || kept.includes(PROTOCOL_START)) return;
    dropped += kept.length - LOG_LIMITS.lineLength;
    kept = kept.slice(0, LOG_LIMITS.lineLength);
  }

  function take(): string {
    const line = kept.endsWith('\r') ? kept.slice(0, -1) : kept;
    const note = dropped === 0 ? '' : `… [cut: ${dropped} more characters]`;
    kept = '';
    dropped = 0;
    return line + note;
  }

  function split(text: string): string[] {
    const pieces = text.split('\n');
    const lines: string[] = [];
    for (const [index, piece] of pieces.entries()) {
      append(piece);
      if (index < pieces.length - 1) lines.push(take());
    }
    return lines;
  }

  return {
    push: (chunk) => split(decoder.write(chunk)),
    end() {
      const lines = split(decoder.end());
      return kept === '' && dropped === 0 ? lines : [...lines, take()];
    },
  };
}
