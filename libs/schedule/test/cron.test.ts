import { IANAZone } from 'luxon';
import { parseCron, zoneOf, type Cron } from '../src/index.js';

const cronOf = (expression: string, zone = 'UTC', withSeconds = false): Cron => {
  const parsed = parseCron(expression, { withSeconds, zone: IANAZone.create(zone) });
  if ('reason' in parsed) throw new Error(parsed.reason);
  return parsed.cron;
};
const reasonOf = (expression: string, withSeconds = false): string => {
  const parsed = parseCron(expression, { withSeconds, zone: IANAZone.create('UTC') });
  return 'reason' in parsed ? parsed.reason : 'none';
};
const iso = (instant: number | undefined): string =>
  instant === undefined ? 'none' : new Date(instant).toISOString().slice(0, 19);
const nexts = (cron: Cron, from: string, count: number): string[] => {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(from); found.length < count;) {
    at = at === undefined ? undefined : cron.next(at);
    found.push(iso(at));
  }
  return found;
};

describe('a cron expression', () => {
  it.each([
    ['*/15 * * * *', '2024-01-01T00:00:00Z', ['2024-01-01T00:15:00', '2024-01-01T00:30:00']],
    ['0 9 * * 1-5', '2024-01-05T09:00:00Z', ['2024-01-08T09:00:00', '2024-01-09T09:00:00']],
    ['0 0 * * 0', '2024-01-01T00:00:00Z', ['2024-01-07T00:00:00', '2024-01-14T00:00:00']],
    ['0 0 * * 7', '2024-01-01T00:00:00Z', ['2024-01-07T00:00:00', '2024-01-14T00:00:00']],
    ['0 0 * * SUN', '2024-01-01T00:00:00Z', ['2024-01-07T00:00:00', '2024-01-14T00:00:00']],
    ['0 0 1 jan,jul *', '2024-01-02T00:00:00Z', ['2024-07-01T00:00:00', '2025-01-01T00:00:00']],
    // Day of the month or day of the week, as Unix has it.
    ['0 0 13 * 5', '2024-01-01T00:00:00Z', ['2024-01-05T00:00:00', '2024-01-12T00:00:00', '2024-01-13T00:00:00']],
    ['@yearly', '2024-02-01T00:00:00Z', ['2025-01-01T00:00:00']],
    ['@annually', '2024-02-01T00:00:00Z', ['2025-01-01T00:00:00']],
    ['@monthly', '2024-02-01T00:00:00Z', ['2024-03-01T00:00:00']],
    ['@weekly', '2024-01-01T00:00:00Z', ['2024-01-07T00:00:00']],
    ['@daily', '2024-01-01T00:00:00Z', ['2024-01-02T00:00:00']],
    ['@midnight', '2024-01-01T00:00:00Z', ['2024-01-02T00:00:00']],
    ['@HOURLY', '2024-01-01T00:10:00Z', ['2024-01-01T01:00:00']],
    ['0 0 29 2 *', '2024-03-01T00:00:00Z', ['2028-02-29T00:00:00']],
  ])('%s after %s', (expression, from, expected) => {
    expect(nexts(cronOf(expression), from, expected.length)).toEqual(expected);
  });

  it('takes seconds first when it is told to', () => {
    const cron = cronOf('*/20 * * * * *', 'UTC', true);
    expect(nexts(cron, '2024-01-01T00:00:00.500Z', 2)).toEqual(['2024-01-01T00:00:20', '2024-01-01T00:00:40']);
    expect(iso(cron.previous(Date.parse('2024-01-01T00:00:20.500Z')))).toBe('2024-01-01T00:00:20');
    expect(iso(cron.previous(Date.parse('2024-01-01T00:00:20Z')))).toBe('2024-01-01T00:00:00');
  });

  it('gives whole seconds, strictly after and strictly before', () => {
    const cron = cronOf('0 * * * *');
    const hour = Date.parse('2024-01-01T05:00:00Z');
    expect(cron.next(hour)).toBe(hour + 3_600_000);
    expect(cron.next(hour - 1)).toBe(hour);
    expect(cron.previous(hour)).toBe(hour - 3_600_000);
    expect(cron.previous(hour + 1)).toBe(hour);
  });

  it.each([
    ['', 'has 0 fields'],
    ['* * * *', 'has 4 fields'],
    ['* * * * * *', "set 'withSeconds: true'"],
    ['* * * * * * *', 'has 7 fields'],
    ['61 * * * *', 'is not understood'],
    ['* 24 * * *', 'is not understood'],
    ['0 0 0 * *', 'is not understood'],
    ['0 0 1 13 *', 'is not understood'],
    ['0 0 * * 8', 'is not understood'],
    ['5-1 * * * *', 'is not understood'],
    ['*/0 * * * *', 'is not understood'],
    ['0 0 L * *', 'which is not understood'],
    ['0 0 ? * *', 'which is not understood'],
    ['0 0 15W * *', 'which is not understood'],
    ['0 0 * * 1#2', 'which is not understood'],
    ['0 0 mon * *', 'which is not understood'],
    ['H * * * *', 'which is not understood'],
    ['@reboot', 'is none of the names'],
    ['@every 5m', 'is none of the names'],
    ['every day', 'has 2 fields'],
    ['* '.repeat(400), 'is longer than'],
  ])("refuses '%s'", (expression, reason) => {
    expect(reasonOf(expression)).toContain(reason);
  });

  it('refuses five fields where seconds are announced', () => {
    expect(reasonOf('* * * * *', true)).toContain('has 5 fields but must have 6');
  });

  it('is never due when no month has its day', () => {
    const cron = cronOf('0 0 31 2 *');
    expect(cron.isEmpty).toBe(true);
    expect(cron.next(0)).toBeUndefined();
  });
});

describe('when the clock is put forward (Paris, 31 March 2024, 2:00 to 3:00)', () => {
  it('a date in the gap is due once, after it', () => {
    expect(nexts(cronOf('30 2 * * *', 'Europe/Paris'), '2024-03-30T02:00:00Z', 2)).toEqual([
      '2024-03-31T01:30:00',
      '2024-04-01T00:30:00',
    ]);
  });

  it('hours go on without a hole', () => {
    expect(nexts(cronOf('0 * * * *', 'Europe/Paris'), '2024-03-30T23:30:00Z', 3)).toEqual([
      '2024-03-31T00:00:00',
      '2024-03-31T01:00:00',
      '2024-03-31T02:00:00',
    ]);
  });
});

describe('when the clock is put back (Paris, 27 October 2024, 3:00 to 2:00)', () => {
  it('a date that the clock shows twice is due once, from wherever one asks', () => {
    const cron = cronOf('30 2 * * *', 'Europe/Paris');
    expect(nexts(cron, '2024-10-26T12:00:00Z', 2)).toEqual(['2024-10-27T00:30:00', '2024-10-28T01:30:00']);
    expect(iso(cron.next(Date.parse('2024-10-27T01:10:00Z')))).toBe('2024-10-28T01:30:00');
  });

  it('hours and minutes go on', () => {
    expect(nexts(cronOf('*/30 * * * *', 'Europe/Paris'), '2024-10-26T23:45:00Z', 4)).toEqual([
      '2024-10-27T00:00:00',
      '2024-10-27T00:30:00',
      '2024-10-27T01:00:00',
      '2024-10-27T01:30:00',
    ]);
  });
});

describe('backwards', () => {
  it.each([
    ['30 2 * * *', 'Europe/Paris', '2024-03-25T00:00:00Z', 12],
    ['30 2 * * *', 'Europe/Paris', '2024-10-22T00:00:00Z', 12],
    ['0 */3 * * *', 'America/New_York', '2024-03-09T00:00:00Z', 20],
    ['0 */3 * * *', 'America/New_York', '2024-11-01T00:00:00Z', 30],
    ['15 1,2,3 * * *', 'Europe/Paris', '2024-10-25T00:00:00Z', 12],
    ['15 1,2,3 * * *', 'Europe/Paris', '2024-03-29T00:00:00Z', 12],
  ])('%s in %s from %s goes the way that it came', (expression, zone, from, count) => {
    const cron = cronOf(expression, zone);
    const dates = nexts(cron, from, count);
    const back = dates.slice(1).map((date) => iso(cron.previous(Date.parse(`${date}Z`))));
    expect(back).toEqual(dates.slice(0, -1));
  });
});

describe('time zones', () => {
  it.each(['Europe/Paris', 'UTC', 'Z', 'GMT', '+02:00', 'UTC+2', 'GMT-05:30', 'America/Argentina/Buenos_Aires'])(
    '%s is one',
    (name) => {
      expect(zoneOf(name)?.isValid).toBe(true);
    },
  );

  it.each(['', 'Mars/Phobos', '+25:00', 'Paris', '{{ zone }}'])("'%s' is none", (name) => {
    expect(zoneOf(name)).toBeUndefined();
  });
});
