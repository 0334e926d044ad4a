import { parseDuration } from '@millrace/model';

const SHORT = /^(\d+)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration of a configuration in milliseconds: ISO-8601 of weeks and smaller (`PT5M`, `P1DT12H`) or a number with a
 * unit (`500ms`, `30s`, `5m`, `1h`, `7d`).
 *
 * @returns undefined when `text` is neither
 */
export function durationMs(text: string): number | undefined {
  const short = SHORT.exec(text);
  if (short) return Number(short[1]) * UNIT_MS[short[2] as keyof typeof UNIT_MS];
  const iso = parseDuration(text);
  return iso !== undefined && iso >= 0 ? iso : undefined;
}
