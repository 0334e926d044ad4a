import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon';

const OFFSET = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i;

/**
 * The zone of an IANA name (`Europe/Paris`), `Z`, `UTC`, or an offset (`+02:00`, `UTC+2`).
 * @returns undefined for anything else
 */
export function zoneOf(name: string): Zone | undefined {
  if (/^(Z|UTC|GMT|UT)$/i.test(name)) return FixedOffsetZone.utcInstance;
  const offset = OFFSET.exec(name);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    return minutes > 18 * 60 ? undefined : FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes);
  }
  return IANAZone.isValidZone(name) ? IANAZone.create(name) : undefined;
}

/** ISO-8601 with the zone's offset, to the second: `2024-01-08T09:00:00+01:00`. */
export const isoInZone = (instant: number, zone: Zone): string =>
  DateTime.fromMillis(instant, { zone }).toISO({ suppressMilliseconds: true }) ?? '';

/** The instant cut to whole seconds. */
export const wholeSeconds = (instant: number): number => Math.floor(instant / 1000) * 1000;

/**
 * Milliseconds since the epoch of an ISO-8601 date and time; without an offset it is of `zone`, without a time it is midnight.
 * A zone in brackets is passed.
 * @returns undefined when it is none
 */
export function instantOf(text: string, zone: Zone): number | undefined {
  const date = DateTime.fromISO(text.trim().replace(/\[[^\]]*\]$/, ''), { zone });
  return date.isValid ? date.toMillis() : undefined;
}
