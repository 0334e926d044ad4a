import { labelKeyFault, labelsOf } from '@millrace/flow';
import type { Flow, Label } from '@millrace/model';
import { unprocessable } from '../http/errors.js';

const CORRELATION = 'system.correlationId';
const LABELS_MAX = 100;
const VALUE_LENGTH_MAX = 1_000;

/**
 * Labels of a new execution: the flow's own, those of the request (`key:value`), and the correlation id; of one key the
 * later wins.
 * @throws HttpError 422 naming every label that is not allowed
 */
export function executionLabels(flow: Flow, requested: readonly string[], executionId: string): readonly Label[] {
  const labels = new Map<string, string>();
  for (const { key, value } of labelsOf(flow.definition.labels)) if (!key.startsWith('system.')) labels.set(key, value);
  const faults: string[] = [];
  if (requested.length > LABELS_MAX)
    faults.push(`There are ${requested.length} labels; at most ${LABELS_MAX} are allowed`);
  for (const text of requested.slice(0, LABELS_MAX)) {
    const colon = text.indexOf(':');
    const [key, value] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
    const fault =
      colon < 1
        ? `The label '${text.slice(0, 80)}' must be written key:value`
        : value.length > VALUE_LENGTH_MAX
          ? `The label '${key.slice(0, 80)}' has a value longer than ${VALUE_LENGTH_MAX} characters`
          : key === CORRELATION
            ? undefined
            : labelKeyFault(key);
    if (fault !== undefined) faults.push(fault);
    else if (value !== '') labels.set(key, value);
  }
  if (faults.length > 0)
    throw unprocessable(
      faults.join('; '),
      faults.map((message) => ({ message, path: 'labels' })),
    );
  if (!labels.has(CORRELATION)) labels.set(CORRELATION, executionId);
  return [...labels].map(([key, value]) => ({ key, value }));
}
