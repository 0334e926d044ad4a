/** Which days are public holidays. */
export interface HolidayCalendar {
  /**
   * @param day `2024-07-14`
   * @param country ISO 3166-1 code; `subDivision` the part of ISO 3166-2 after it
   * @throws an error with a sentence when there is no calendar of the country
   */
  isHoliday(day: string, country: string, subDivision?: string): boolean;
}
