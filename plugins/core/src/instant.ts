import { Type } from '@sinclair/typebox';
import { Dynamic, excerpt } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';

/** A date and time as a property. */
export const instantProperty = (description: string) =>
  Dynamic(Type.String({ minLength: 1, description: `${description} Such as 2026-03-01T12:00:00Z.` }));

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?(\[[\w/+-]+\])?$/;

/** Milliseconds since the epoch of a date and time with an offset, or of a day's start in UTC. @throws TaskFailure */
export function instantOf(name: string, text: string): number {
  const trimmed = text.trim();
  const instant = INSTANT.test(trimmed) ? Date.parse(trimmed.replace(/\[.*$/, '')) : Number.NaN;
  if (!Number.isNaN(instant)) return instant;
  throw new TaskFailure(
    `Property '${name}' must be a date and time with an offset, such as 2026-03-01T12:00:00Z, but is '${excerpt(text)}'`,
  );
}
