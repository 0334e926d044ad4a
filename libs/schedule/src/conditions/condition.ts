import type { Environment, Variables } from '@millrace/expression';
import type { Zone } from 'luxon';
import type { HolidayCalendar } from './holiday-calendar.js';

/** What a condition may look at. */
export interface ConditionContext {
  /** Of expressions; `trigger.date` is the date under test. */
  readonly variables: Variables;
  readonly environment: Environment;
  /** The zone of dates that name none. */
  readonly zone: Zone;
  /** Of the flow that would be started. */
  readonly flow: { readonly namespace: string; readonly id: string };
  /** Labels of the execution that would be started. */
  readonly labels: ReadonlyMap<string, string>;
  /** Absent: conditions on holidays cannot be evaluated. */
  readonly holidays?: HolidayCalendar;
}
