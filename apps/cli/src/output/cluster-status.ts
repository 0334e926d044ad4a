import { isPlainObject, type PlainObject } from '@millrace/model';
import type { Paint } from './colour.js';
import { durationText } from './quantities.js';
import { tableLines } from './table.js';

/** What this client relies on of the answer about the installation. */
export interface StatusAnswer {
  readonly healthy: boolean;
  readonly problems: readonly PlainObject[];
  readonly maintenance?: PlainObject;
  readonly members: readonly PlainObject[];
  readonly processors: readonly PlainObject[];
  readonly groups: readonly PlainObject[];
  readonly index?: PlainObject;
  readonly deadLetters: PlainObject;
  /** Records are written in this format; of installations that tell it. */
  readonly formatLevel?: unknown;
}

/** @throws Error when the server answered something else */
export function asStatus(answer: unknown): StatusAnswer {
  if (!isPlainObject(answer) || typeof answer['healthy'] !== 'boolean')
    throw new Error('The server did not say how the installation does: is it of another version?');
  const list = (name: string): readonly PlainObject[] => {
    const value = answer[name];
    return Array.isArray(value) ? value.filter(isPlainObject) : [];
  };
  const { maintenance, index, deadLetters, formatLevel } = answer;
  return {
    healthy: answer['healthy'],
    problems: list('problems'),
    members: list('members'),
    processors: list('processors'),
    groups: list('groups'),
    deadLetters: isPlainObject(deadLetters) ? deadLetters : {},
    ...(isPlainObject(maintenance) ? { maintenance } : {}),
    ...(isPlainObject(index) ? { index } : {}),
    ...(formatLevel === undefined ? {} : { formatLevel }),
  };
}

const text = (value: unknown, otherwise = '?'): string => (value === undefined ? otherwise : String(value));

/** The installation on a terminal: what needs a person comes first. */
export function statusLines(status: StatusAnswer, paint: Paint): readonly string[] {
  const { problems, maintenance, members, processors, groups, index, deadLetters, formatLevel } = status;
  const letters = Object.entries(deadLetters).map(([processor, count]) => `${processor} ${text(count)}`);
  return [
    ...(problems.length === 0 ? [paint('green', 'Healthy: nothing needs a person')] : []),
    ...problems.map(({ what, advice }) => `${paint('red', 'Problem:')} ${text(what)}: ${text(advice)}`),
    ...(maintenance
      ? [
          `Maintenance mode since ${new Date(Number(maintenance['since'])).toISOString()}, by ${text(maintenance['by'])}: 'millrace cluster maintenance exit' leaves it`,
        ]
      : []),
    ...(formatLevel === undefined ? [] : [`Format level ${text(formatLevel)}`]),
    '',
    ...tableLines(['SERVER', 'INSTANCE', 'HOST', 'VERSION', 'STATE', 'UP', 'SLOTS'], members.map(memberRow)),
    '',
    ...tableLines(['PROCESSOR', 'LAG', 'PARTITIONS', 'OWNERS'], processors.map(processorRow)),
    '',
    ...tableLines(['WORKER GROUP', 'WORKERS', 'SLOTS', 'RUNNING', 'WAITING'], groups.map(groupRow)),
    '',
    index
      ? `Index: ${text(index['records'])} records behind, at least ${text(index['seconds'])} s`
      : 'Index: none (searches read the database)',
    `Dead letters: ${letters.length === 0 ? 'none' : letters.join(', ')}`,
  ];
}

function memberRow(member: PlainObject): readonly string[] {
  const { role, instance, host, version, state, uptimeSeconds, slots, freeSlots, silent } = member;
  const shown = silent === true ? `${text(state)} (silent)` : text(state);
  const taken = slots === undefined ? '' : `${Number(slots) - Number(freeSlots ?? 0)} of ${text(slots)} taken`;
  return [
    text(role),
    text(instance),
    text(host),
    text(version),
    shown,
    durationText(Number(uptimeSeconds) * 1_000),
    taken,
  ];
}

function processorRow({ name, lag, partitions, owners, withoutOwner }: PlainObject): readonly string[] {
  const owned = Object.entries(isPlainObject(owners) ? owners : {}).map(
    ([instance, own]) => `${instance}: ${ranges(own)}`,
  );
  const nobody = Array.isArray(withoutOwner) && withoutOwner.length > 0 ? [`nobody: ${ranges(withoutOwner)}`] : [];
  return [text(name), text(lag), text(partitions), [...owned, ...nobody].join('; ')];
}

const groupRow = ({ group, workers, slots, running, waiting }: PlainObject): readonly string[] => [
  text(group),
  text(workers),
  text(slots),
  text(running),
  text(waiting),
];

/** `0-3 7`. */
function ranges(value: unknown): string {
  const numbers = (Array.isArray(value) ? value.map(Number) : []).sort((one, other) => one - other);
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(' ');
}
