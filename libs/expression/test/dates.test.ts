import { failure, render } from './rendering.js';

const values = {
  date: '2013-09-08T16:19:00.123456+02:00',
  local: '2013-09-08T16:19:05',
  day: '2013-09-08',
  seconds: 1378653552,
  millis: 1378653552123,
  nanos: '1378653552123456789',
  nothing: null,
};

describe('dates', () => {
  it.each([
    // every named format
    ['date | date', '2013-09-08T14:19:00.123456Z'],
    ["date | date('iso')", '2013-09-08T14:19:00.123456Z'],
    ["date | date('iso_milli')", '2013-09-08T14:19:00.123Z'],
    ["date | date('iso_sec')", '2013-09-08T14:19:00Z'],
    ["date | date('sql')", '2013-09-08 14:19:00.123456'],
    ["date | date('sql_milli')", '2013-09-08 14:19:00.123'],
    ["date | date('sql_sec')", '2013-09-08 14:19:00'],
    ["date | date('iso_date_time', 'Europe/Paris')", '2013-09-08T16:19:00.123456+02:00[Europe/Paris]'],
    ["date | date('iso_zoned_date_time', '+02:00')", '2013-09-08T16:19:00.123456+02:00'],
    ["date | date('iso_date')", '2013-09-08Z'],
    ["date | date('iso_time')", '14:19:00.123456Z'],
    ["date | date('iso_local_date')", '2013-09-08'],
    ["date | date('iso_instant', 'Europe/Paris')", '2013-09-08T14:19:00.123456Z'],
    ["local | date('iso_instant')", '2013-09-08T16:19:05Z'],
    ["local | date('iso_local_date_time')", '2013-09-08T16:19:05'],
    ["date | date('iso_local_time')", '14:19:00.123456'],
    ["date | date('iso_offset_time', 'Europe/Paris')", '16:19:00.123456+02:00'],
    ["date | date('iso_offset_date_time')", '2013-09-08T14:19:00.123456Z'],
    ["date | date('iso_ordinal_date')", '2013-251Z'],
    ["date | date('iso_week_date')", '2013-W36-7Z'],
    ["date | date('rfc_1123_date_time')", 'Sun, 8 Sep 2013 14:19:00 GMT'],
    ["date | date('rfc_1123_date_time', 'Europe/Paris')", 'Sun, 8 Sep 2013 16:19:00 +0200'],
    ["date | date('full')", 'Sunday, September 8, 2013 at 2:19:00 PM UTC'],
    ["date | date('long')", 'September 8, 2013 at 2:19:00 PM UTC'],
    ["date | date('medium')", 'Sep 8, 2013, 2:19:00 PM'],
    ["date | date('short')", '9/8/13, 2:19 PM'],
    // pattern letters
    ["date | date('yyyy-MM-dd')", '2013-09-08'],
    ["date | date('yy/M/d')", '13/9/8'],
    ["date | date('uuuu y')", '2013 2013'],
    ["date | date('MMM MMMM MMMMM LLL')", 'Sep September S Sep'],
    ["date | date('E EEE EEEE EEEEE')", 'Sun Sun Sunday S'],
    ["date | date('HH:mm:ss')", '14:19:00'],
    ["date | date('h:mm a')", '2:19 PM'],
    ["day | date('hh KK kk H')", '12 00 24 0'],
    ["date | date('S SSS SSSSSS SSSSSSSSS')", '1 123 123456 123456000'],
    ["nanos | date('SSSSSSSSS n')", '123456789 123456789'],
    ["date | date('A')", '51540123'],
    ["date | date('D DDD')", '251 251'],
    ["date | date('w ww W YYYY')", '36 36 2 2013'],
    ["date | date('e c')", '7 7'],
    ["date | date('Q QQ QQQ QQQQ')", '3 03 Q3 3rd quarter'],
    ["date | date('G')", 'AD'],
    ["date | date('X XX XXX x xx xxx Z ZZZZZ')", 'Z Z Z +00 +0000 +00:00 +0000 Z'],
    ["date | date('X XX XXX x Z ZZZZ', 'Europe/Paris')", '+02 +0200 +02:00 +02 +0200 GMT+02:00'],
    ["date | date('X', '+05:30')", '+0530'],
    ["date | date('O OOOO', 'Asia/Kolkata')", 'GMT+5:30 GMT+05:30'],
    ["date | date('XXX', '-03:30')", '-03:30'],
    ["date | date('VV', 'Europe/Paris')", 'Europe/Paris'],
    ["date | date('VV', '+02:00')", '+02:00'],
    ["date | date(\"yyyy'T'HH 'o''clock'\")", "2013T14 o'clock"],
    ['date | date("\'\'yy")', "'13"],
    ["date | date('yyyy[-MM]')", '2013-09'],
    // zones, locales, input
    ["date | date(timeZone='America/New_York', format='sql_sec')", '2013-09-08 10:19:00'],
    ["date | date('EEEE d MMMM', locale='fr')", 'dimanche 8 septembre'],
    ["date | date('MMMM', locale='de_DE')", 'September'],
    ["local | date('iso_sec', 'Europe/Paris')", '2013-09-08T16:19:05+02:00'],
    ["day | date('iso_sec')", '2013-09-08T00:00:00Z'],
    ["'2013-09-08T16:19+02' | date('iso_sec')", '2013-09-08T14:19:00Z'],
    ["'2013-09-08T16:19:00+02:00[Europe/Paris]' | date('iso_sec')", '2013-09-08T14:19:00Z'],
    ["'2013-09-08 16:19:00' | date('iso_sec')", '2013-09-08T16:19:00Z'],
    ["seconds | date('iso_sec')", '2013-09-08T15:19:12Z'],
    ['millis | date', '2013-09-08T15:19:12.123000Z'],
    ["nanos | date('iso')", '2013-09-08T15:19:12.123456Z'],
    ["'1378653552' | date('iso_sec')", '2013-09-08T15:19:12Z'],
    ["'08/09/2013' | date('iso_date', existingFormat='dd/MM/yyyy')", '2013-09-08Z'],
    ["'20130908161905' | date('sql_sec', existingFormat='yyyyMMddHHmmss')", '2013-09-08 16:19:05'],
    ["'8 Sep 2013 4:05 PM' | date('sql_sec', existingFormat='d MMM yyyy h:mm a')", '2013-09-08 16:05:00'],
    ["'8 septembre 2013' | date('iso_local_date', existingFormat='d MMMM yyyy', locale='fr')", '2013-09-08'],
    ["'Sun 08 13' | date('iso_local_date', existingFormat='EEE dd yy')", '2013-01-08'],
    [
      "'2013-09-08T16:19:00.5+0200' | date('sql_milli', existingFormat=\"yyyy-MM-dd'T'HH:mm:ss.SX\")",
      '2013-09-08 14:19:00.500',
    ],
    ["'2013-09-08 16 Europe/Paris' | date('sql_sec', existingFormat='yyyy-MM-dd HH VV')", '2013-09-08 14:00:00'],
    ["'2013 251' | date('iso_local_date', existingFormat='yyyy DDD')", '2013-09-08'],
    ["'2013-09' | date('iso_local_date', existingFormat='yyyy-MM[-dd]')", '2013-09-01'],
    ['nothing | date', ''],
    // arithmetic
    ["date | dateAdd(1, 'DAYS', 'sql_sec')", '2013-09-09 14:19:00'],
    ["date | dateAdd(-1, 'DAYS')", '2013-09-07T14:19:00.123456Z'],
    ["date | dateAdd(2, unit='HOURS', format='sql_sec')", '2013-09-08 16:19:00'],
    ["date | dateAdd(1, 'WEEKS', 'iso_local_date')", '2013-09-15'],
    ["'2024-01-31' | dateAdd(1, 'MONTHS', 'iso_local_date')", '2024-02-29'],
    ["date | dateAdd(1, 'YEARS', 'iso_local_date')", '2014-09-08'],
    ["date | dateAdd(1, 'DECADES', 'iso_local_date')", '2023-09-08'],
    ["date | dateAdd(1, 'NANOS', 'n')", '123456001'],
    ["date | dateAdd(-123457, 'MICROS', 'HH:mm:ss.SSSSSS')", '14:18:59.999999'],
    ["date | dateAdd(90, 'MINUTES', 'HH:mm')", '15:49'],
    ["date | dateAdd(1, 'HALF_DAYS', 'dd HH')", '09 02'],
    ["'2024-03-30T12:00:00' | dateAdd(1, 'DAYS', 'iso_sec', 'Europe/Paris')", '2024-03-31T12:00:00+02:00'],
    ["'2024-03-30T12:00:00' | dateAdd(24, 'HOURS', 'iso_sec', 'Europe/Paris')", '2024-03-31T13:00:00+02:00'],
    // time stamps
    ['date | timestamp', '1378649940'],
    ['date | timestampMilli', '1378649940123'],
    ['date | timestampMicro', '1378649940123456'],
    ['nanos | timestampNano', '1378653552123456789'],
    ["'08/09/2013' | timestamp(existingFormat='dd/MM/yyyy', timeZone='Europe/Paris')", '1378591200'],
    // now
    ['now()', '2026-11-22T10:41:07.123000Z'],
    ["now('sql_sec')", '2026-11-22 10:41:07'],
    ["now(timeZone='Asia/Tokyo', format='iso_sec')", '2026-11-22T19:41:07+09:00'],
    ["now() | dateAdd(2, 'HOURS') | date('HH:mm')", '12:41'],
  ])('%s gives %j', (expression, expected) => {
    expect(render(`{{ ${expression} }}`, values)).toBe(expected);
  });

  it.each([
    ["'not a date' | date", "the text 'not a date' is not a date"],
    ["'2013-02-30' | date", 'is not a date'],
    ["'12345678' | date", 'is not a date'],
    ['[1] | date', 'is not a date'],
    ["date | date('yyyy-bb')", "the letter 'b' is not known"],
    ['date | date("yyyy \'x")', "a quote ' is not closed"],
    ["date | date('iso', 'Mars/Base')", "unknown time zone 'Mars/Base'"],
    ["date | date(locale='x-')", "unknown locale 'x-'"],
    ["'2013' | date(existingFormat='yyyy-MM')", "is not a date in the format 'yyyy-MM'"],
    ["date | dateAdd(1, 'FORTNIGHTS')", "unknown unit 'FORTNIGHTS'"],
    ["date | dateAdd(1.5, 'DAYS')", 'must be an integer'],
    ["date | dateAdd(999999999, 'YEARS')", 'is no date'],
    ["date | dateAdd(999999999999, 'HOURS')", 'is no date'],
  ])('%s fails: %s', (expression, reason) => {
    const error = failure(`{{ ${expression} }}`, values);
    expect([error.kind, error.reason]).toEqual(['type', expect.stringContaining(reason)]);
  });

  it('uses the zone of the environment', () => {
    expect(render("{{ day | date('iso_sec') }}", values, { timeZone: 'America/New_York' })).toBe(
      '2013-09-08T00:00:00-04:00',
    );
    expect(failure('{{ day | date }}', values, { timeZone: 'nowhere' }).reason).toContain(
      "unknown time zone 'nowhere'",
    );
  });
});
