/** ISO-8601 duration with up to three decimals of a second, such as `PT1H2M3.5S`; hours are not turned into days. */
export function isoDuration(durationMs: number): string {
  const total = Math.max(0, Math.round(durationMs));
  const hours = Math.floor(total / 3_600_000);
  const minutes = Math.floor((total % 3_600_000) / 60_000);
  const seconds = (total % 60_000) / 1_000;
  const text = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`;
  return text === '' ? 'PT0S' : `PT${text}`;
}
