import { IonSyntaxError, readIon as read } from '@millrace/model/ion';
import type { Run } from '../run.js';

/** Steps that reading one character costs: the library makes an object of every token. */
const STEPS_PER_UNIT = 1 / 4;

/** The values of Ion text, within the limits of a run; see `readIon` of the model. */
export function readIon(text: string, run: Run): unknown[] {
  run.step(Math.ceil(text.length * STEPS_PER_UNIT));
  try {
    return read(text, {
      onValue: () => run.step(),
      nested(members) {
        run.enter(1);
        const value = members();
        run.leave(1);
        return value;
      },
    });
  } catch (error) {
    if (error instanceof IonSyntaxError) return run.fail('type', `the text is not Ion: ${error.message}`, error);
    throw error;
  }
}
