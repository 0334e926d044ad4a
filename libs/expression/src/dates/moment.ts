import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon';

/** A point in time in a zone. Luxon ends at milliseconds; `nanos` (0 to 999,999) carries on below them. */
export interface Moment {
  readonly at: DateTime;
  readonly nanos: number;
}

const NANOS_PER_MILLI = 1_000_000n;
/** The last year that is printed with four digits; JavaScript itself ends at 8.64e15. */
const MILLIS_MAX = 253_402_300_799_999n;
const ISO =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d){0,2})?(?:\[([^\]]{1,64})\])?)?$/;

/** A zone by IANA name, `Z`, `UTC` or an offset as `+02:00`; undefined when there is none such. */
export function zoneOf(name: string): Zone | undefined {
  const offset = /^(?:UTC|GMT)?([+-])(\d\d?)(?::?(\d\d))?(?::?\d\d)?$/.exec(name);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    return minutes > 18 * 60 ? undefined : FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes);
  }
  if (name === 'Z' || name === 'UTC' || name === 'GMT') return FixedOffsetZone.utcInstance;
  return IANAZone.isValidZone(name) ? IANAZone.create(name) : undefined;
}

/** From nanoseconds since the epoch; undefined outside the years that can be counted. */
export function fromEpochNanos(nanos: bigint, zone: Zone): Moment | undefined {
  const below = ((nanos % NANOS_PER_MILLI) + NANOS_PER_MILLI) % NANOS_PER_MILLI;
  const millis = (nanos - below) / NANOS_PER_MILLI;
  if (millis > MILLIS_MAX || millis < -MILLIS_MAX) return undefined;
  const at = DateTime.fromMillis(Number(millis), { zone });
  return at.isValid ? { at, nanos: Number(below) } : undefined;
}

/** Nanoseconds since the epoch. */
export function epochNanos(moment: Moment): bigint {
  return BigInt(moment.at.toMillis()) * NANOS_PER_MILLI + BigInt(moment.nanos);
}

/** Calendar fields as they are read from text; a zone of their own wins over the reader's. */
export interface DateFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Nanosecond of the second. */
  readonly nano: number;
  readonly zone: Zone | undefined;
}

/** The moment of calendar fields, `zone` where they name none; undefined when there is no such day or time. */
export function fromFields(fields: DateFields, zone: Zone): Moment | undefined {
  const { year, month, day, hour, minute, second, nano } = fields;
  const millisecond = Math.floor(nano / 1_000_000);
  const at = DateTime.fromObject(
    { year, month, day, hour, minute, second, millisecond },
    { zone: fields.zone ?? zone },
  );
  return at.isValid ? { at, nanos: nano % 1_000_000 } : undefined;
}

/** ISO text: a date, a date and time, with or without an offset and a zone in brackets. */
export function parseIso(text: string, zone: Zone): Moment | undefined {
  const read = ISO.exec(text.trim());
  if (read === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset, region] = read;
  const ownZone = offset === undefined ? undefined : zoneOf(offset);
  const regionZone = region === undefined ? undefined : zoneOf(region);
  const fields: DateFields = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    nano: Number((fraction ?? '').padEnd(9, '0')),
    zone: ownZone ?? regionZone,
  };
  const moment = fromFields(fields, zone);
  if (moment === undefined || regionZone === undefined) return moment;
  return { at: moment.at.setZone(regionZone), nanos: moment.nanos };
}

/** A number as a point in time, told by its digits: 19 nano-, 16 micro-, 13 milliseconds, 10 or fewer seconds. */
export function fromNumber(digits: string, zone: Zone): Moment | undefined {
  const unit = { 19: 1n, 16: 1_000n, 13: 1_000_000n }[digits.replace('-', '').length];
  if (unit === undefined && digits.replace('-', '').length > 10) return undefined;
  return fromEpochNanos(BigInt(digits) * (unit ?? 1_000_000_000n), zone);
}

/** A moment in another zone and, for names of months and days, another language. */
export function inZone(moment: Moment, zone: Zone, locale: string): Moment {
  return { at: moment.at.setZone(zone).setLocale(locale), nanos: moment.nanos };
}
