import { createHash } from 'node:crypto';

/** Kinds of documents; each has indices of its own, and an alias that searches use. */
export const KINDS = ['executions', 'execution-records', 'task-runs', 'logs', 'metrics', 'triggers'] as const;
export type Kind = (typeof KINDS)[number];

/** How much time one index of a kind holds. */
const PERIODS: Readonly<Record<Kind, 'month' | 'day' | undefined>> = {
  executions: 'month',
  'execution-records': undefined,
  'task-runs': 'month',
  logs: 'day',
  metrics: 'month',
  triggers: undefined,
};

/** What searches use. */
export const aliasOf = (prefix: string, kind: Kind): string => `${prefix}${kind}`;

/** What the names of all indices of a kind and generation begin with; followed by nothing, or by a period. */
export const stemOf = (prefix: string, kind: Kind, generation: number): string => `${prefix}${kind}-v${generation}`;

/** The index of a document. @param at of kinds with periods: milliseconds since the epoch */
export function indexOf(prefix: string, kind: Kind, generation: number, at: number): string {
  const stem = stemOf(prefix, kind, generation);
  const period = PERIODS[kind];
  if (period === undefined) return stem;
  return `${stem}-${dateOf(at)
    .slice(0, period === 'day' ? 10 : 7)
    .replaceAll('-', '.')}`;
}

export const hasPeriods = (kind: Kind): boolean => PERIODS[kind] !== undefined;

/** Years that a name can have; what lies outside is not of this world and counts as undated. */
const LATEST = Date.UTC(9_999, 11, 31);
const dateOf = (at: number): string => new Date(at >= 0 && at <= LATEST ? at : 0).toISOString();

/** When the period of an index ends, in milliseconds since the epoch; undefined when it has none. */
export function endOf(index: string): number | undefined {
  const [, year, month, day] = /-(\d{4})\.(\d{2})(?:\.(\d{2}))?$/.exec(index) ?? [];
  if (year === undefined || month === undefined) return undefined;
  return day === undefined
    ? Date.UTC(Number(year), Number(month))
    : Date.UTC(Number(year), Number(month) - 1, Number(day) + 1);
}

/** The generation of an index; undefined when its name is none of ours. */
export function generationOf(prefix: string, kind: Kind, index: string): number | undefined {
  const stem = `${prefix}${kind}-v`;
  const [, generation] = index.startsWith(stem) ? (/^(\d+)(?:-[\d.]+)?$/.exec(index.slice(stem.length)) ?? []) : [];
  return generation === undefined ? undefined : Number(generation);
}

/** Ids have at most 512 bytes; a longer one is replaced by one that is as good. */
const ID_BYTES = 512;

export function documentId(...parts: readonly string[]): string {
  const id = parts.join('/');
  return Buffer.byteLength(id) <= ID_BYTES ? id : createHash('sha256').update(id).digest('hex');
}
