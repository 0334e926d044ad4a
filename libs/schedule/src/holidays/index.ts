export { createHolidayCalendar } from './holiday-library.js';
