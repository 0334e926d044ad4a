import { createHash } from 'node:crypto';
import { isPlainObject, type PlainObject } from '@millrace/model';
import { TaskFailure, type TaskStorage } from '@millrace/plugin-api';

/** Bounds of one state: its members, and characters of one as JSON. */
const MEMBERS_MAX = 1_000;
const MEMBER_LENGTH_MAX = 256 * 1024;

/** A state: what tasks of earlier executions left for later ones. */
export interface StateStore {
  /** undefined when there is none. */
  read(): Promise<PlainObject | undefined>;
  /** Lays members over those that are there; answers how many there are then. @throws TaskFailure when they are too many */
  merge(data: PlainObject): Promise<number>;
  /** False when there was none. */
  remove(): Promise<boolean>;
  /** The folder in which it is kept. */
  readonly uri: string;
}

export interface StateAddress {
  readonly storage: TaskStorage;
  /** True: one for all flows of the namespace. */
  readonly ofNamespace: boolean;
  readonly name: string;
  /** The loop value, for a state of its own. */
  readonly value?: string;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/**
 * A state is a folder with a file for each member. So a change writes its own members and reads nothing: of two
 * executions that change a state at the same time, neither takes back what the other has written.
 */
export function openStateStore({ storage, ofNamespace, name, value }: StateAddress): StateStore {
  const folder = [
    ofNamespace ? storage.namespaceStates : storage.flowStates,
    name,
    ...(value === undefined ? [] : [hashOf(value)]),
  ].join('/');
  // The states of loop values are folders in this one.
  const files = async (): Promise<readonly string[]> =>
    (await storage.list(folder)).filter(({ kind }) => kind === 'file').map(({ uri }) => uri);

  return {
    uri: folder,
    async read() {
      const state = new Map<string, unknown>();
      for (const uri of await files()) {
        const text = await storage.read(uri);
        // Deleted meanwhile.
        if (text === undefined) continue;
        const { member, value: one } = memberOf(uri, text);
        state.set(member, one);
      }
      return state.size === 0 ? undefined : Object.fromEntries(state);
    },
    async merge(data) {
      const members = Object.entries(data).map(([member, one]) => ({ member, text: textOf(name, member, one) }));
      const known = new Set(await files());
      const uriOf = (member: string): string => `${folder}/${hashOf(member)}.json`;
      for (const { member } of members) known.add(uriOf(member));
      if (known.size > MEMBERS_MAX)
        throw new TaskFailure(`The state '${name}' would have ${known.size} members; at most ${MEMBERS_MAX} are kept`);
      for (const { member, text } of members) await storage.write(uriOf(member), text);
      return known.size;
    },
    async remove() {
      let removed = 0;
      for (const uri of await files()) removed += await storage.remove(uri);
      return removed > 0;
    },
  };
}

function textOf(name: string, member: string, value: unknown): string {
  const text = JSON.stringify({ member, value: value ?? null });
  if (text.length <= MEMBER_LENGTH_MAX) return text;
  throw new TaskFailure(
    `The member '${member}' of the state '${name}' has ${text.length} characters, more than ${MEMBER_LENGTH_MAX}: keep large data in files`,
  );
}

function memberOf(uri: string, text: string): { readonly member: string; readonly value: unknown } {
  const read: unknown = JSON.parse(text);
  if (!isPlainObject(read) || typeof read['member'] !== 'string')
    throw new TaskFailure(`The file ${uri} is no member of a state: delete the state`);
  return { member: read['member'], value: read['value'] };
}
