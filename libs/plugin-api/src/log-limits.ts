/** Limits of a task run's log, for each attempt. `lineLength` in UTF-16 units. */
export const LOG_LIMITS = { lineLength: 16 * 1024, linesPerAttempt: 100_000 } as const;

/** The line, cut with a note when it is too long. */
export function cutLine(line: string): string {
  if (line.length <= LOG_LIMITS.lineLength) return line;
  return `${line.slice(0, LOG_LIMITS.lineLength)}… [cut: the line has ${line.length} characters, ${LOG_LIMITS.lineLength} are kept]`;
}
