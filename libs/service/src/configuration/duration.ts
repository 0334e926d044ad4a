const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/;
const SHORT = /^(\d+)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration of a configuration in milliseconds: ISO-8601 of days and smaller (`PT5M`, `P1DT12H`) or a number with a
 * unit (`500ms`, `30s`, `5m`, `1h`, `7d`).
 *
 * @returns undefined when `text` is neither
 */
export function durationMs(text: string): number | undefined {
  const short = SHORT.exec(text);
  if (short) return Number(short[1]) * UNIT_MS[short[2] as keyof typeof UNIT_MS];
  const iso = ISO.exec(text);
  if (!iso || text === 'P' || text.endsWith('T')) return undefined;
  const [, days, hours, minutes, seconds] = iso;
  const amount = (digits: string | undefined, unitMs: number): number => Number(digits ?? 0) * unitMs;
  return Math.round(
    amount(days, UNIT_MS.d) + amount(hours, UNIT_MS.h) + amount(minutes, UNIT_MS.m) + amount(seconds, UNIT_MS.s),
  );
}
