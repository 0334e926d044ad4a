import {
  isPlainObject,
  LATEST,
  revisionId,
  type Flow,
  type FlowChanged,
  type RecentCommands,
  type Reply,
  type Resource,
  type ResourceChange,
  type ResourceCommand,
  type Topics,
} from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceFact, type ResourceState } from './changes.js';
import { changeCluster } from './cluster.js';
import { changeKeyValue } from './key-values.js';
import { changeMaintenance, endsMaintenance } from './maintenance.js';
import { changeNamespaceFile } from './namespace-files.js';
import { nothing, type Decided, type Wake } from './records.js';
import { changeSettings } from './settings.js';
import { changedSlotLimits, type SlotLimitChanged } from './slot-limits.js';
import { changeTemplate } from './templates.js';
import { changeWorkerGroup } from './worker-groups.js';

/** Commands of a key that are remembered, so that a repeat within any retry time changes nothing. */
const REMEMBERED = 20;
const COMMANDS = 'commands';

export type ResourceEffect =
  | { readonly kind: 'reply'; readonly replyTo: string; readonly reply: Reply }
  /** A flow was saved or deleted; for every topic whose processors follow flows (protocols.md part 5.3). */
  | { readonly kind: 'flow-changed'; readonly event: FlowChanged }
  | { readonly kind: 'slot-limit-changed'; readonly event: SlotLimitChanged }
  /** For the owners of executions: those that waited begin. */
  | { readonly kind: 'maintenance-ended' };

type State = ResourceState;
type Result = RecentCommands['commands'][number]['result'];

/**
 * The owner of every resource: one processor keyed by resource, so that two webservers cannot both make revision 7. The
 * reply is written with the change, and a repeated command is answered again without changing anything (protocols.md
 * part 5).
 */
export function resourceProcessor(topics: Pick<Topics, 'resourceCommands' | 'resources'>) {
  return {
    name: 'resources',
    input: topics.resourceCommands,
    stateTopics: [topics.resources],
    topicOf: () => topics.resources,
    open: (_key: string, records: State) => records,
    decide: (state: State, input: ResourceCommand | Wake): Decided<ResourceFact, ResourceEffect> =>
      'change' in input ? decide(state, input) : nothing(),
    evolve(state: State, { id, resource }: ResourceFact) {
      if (resource === null) state.remove(id);
      else state.put(id, resource);
    },
    /** A command that cannot be handled is answered by nobody: its sender gets a time-out, people a dead letter. */
    fail: () => nothing<ResourceFact, ResourceEffect>(),
    dueAt: () => undefined,
    /** Resources are always served from the view; the registry loads a key when a command for it comes. */
    ended: () => true,
    continuation: (): never => {
      throw new Error('A resource command is decided in one step');
    },
    pendingOf: () => undefined,
  };
}

function decide(state: State, command: ResourceCommand): Decided<ResourceFact, ResourceEffect> {
  const known = remembered(state).find(({ commandId }) => commandId === command.commandId);
  if (known) return { facts: [], effects: [reply(command, outcomeOf(state, known.result))], next: [] };
  const changes = change(state, command.change, command.at);
  if (changes.kind === 'refused') {
    return {
      facts: [remember(state, { commandId: command.commandId, result: changes })],
      effects: [reply(command, changes)],
      next: [],
    };
  }
  const { facts, recordId, shown, removedVersions, forgetsKey } = changes;
  const result = { recordId, changed: facts.length > 0, ...(removedVersions ? { removedVersions } : {}) };
  const last: ResourceFact = forgetsKey
    ? { id: COMMANDS, resource: null }
    : remember(state, { commandId: command.commandId, result });
  const slots = changedSlotLimits(facts).map((event) => ({ kind: 'slot-limit-changed', event }) as const);
  const ended = endsMaintenance(facts) ? [{ kind: 'maintenance-ended' } as const] : [];
  return {
    facts: [...facts, last],
    effects: [reply(command, done(shown, result)), ...changedFlows(facts, command.at), ...slots, ...ended],
    next: [],
  };
}

const reply = ({ commandId, replyTo }: ResourceCommand, outcome: Reply['outcome']): ResourceEffect => ({
  kind: 'reply',
  replyTo,
  reply: { commandId, outcome },
});

/** In the transaction of the change, so that a saved flow always has its schedule. */
const changedFlows = (facts: readonly ResourceFact[], at: number): ResourceEffect[] =>
  facts.flatMap(({ id, resource }) => {
    if (id !== LATEST || resource?.kind !== 'flow') return [];
    const { tenant, namespace, id: flowId, revision, deleted } = resource.flow;
    return [
      { kind: 'flow-changed', event: { kind: 'flow-changed', tenant, namespace, flowId, revision, deleted, at } },
    ];
  });

const done = (resource: Resource, { changed, removedVersions }: Exclude<Result, Refused>): Reply['outcome'] => ({
  kind: 'done',
  resource,
  changed,
  ...(removedVersions ? { removedVersions } : {}),
});

function outcomeOf(state: State, result: Result): Reply['outcome'] {
  if ('kind' in result) return result;
  const resource = state.get(result.recordId);
  if (!resource) return { kind: 'refused', reason: 'unknown', message: 'What the command made is gone by now' };
  return done(resource, result);
}

function remembered(state: State): RecentCommands['commands'] {
  const record = state.get(COMMANDS);
  return record?.kind === 'recent-commands' ? record.commands : [];
}

const remember = (state: State, command: RecentCommands['commands'][number]): ResourceFact => ({
  id: COMMANDS,
  resource: { kind: 'recent-commands', commands: [...remembered(state), command].slice(-REMEMBERED) },
});

function change(state: State, wanted: ResourceChange, at: number): Changes | Refused {
  switch (wanted.kind) {
    case 'save-flow':
      return saveFlow(state, wanted, at);
    case 'delete-flow':
      return deleteFlow(state, at);
    case 'delete-revisions':
      return deleteRevisions(state, wanted.revisions);
    case 'create-user':
      return createUser(state, wanted);
    case 'set-password':
      return setPassword(state, wanted, at);
    case 'set-key-value':
    case 'delete-key-value':
    case 'purge-key-value':
      return changeKeyValue(state, wanted, at);
    case 'reserve-file-version':
    case 'save-file-version':
    case 'make-directory':
    case 'delete-file':
    case 'purge-file':
      return changeNamespaceFile(state, wanted, at);
    case 'save-template':
    case 'delete-template':
      return changeTemplate(state, wanted, at);
    case 'enter-maintenance':
    case 'exit-maintenance':
      return changeMaintenance(state, wanted, at);
    case 'raise-level':
    case 'propose-placement':
    case 'use-placement':
      return changeCluster(state, wanted);
    case 'create-worker-group':
    case 'update-worker-group':
    case 'delete-worker-group':
      return changeWorkerGroup(state, wanted);
    case 'save-namespace':
    case 'delete-namespace':
    case 'save-tenant':
      return changeSettings(state, wanted);
    default:
      return wanted satisfies never;
  }
}

function latestFlow(state: State): Flow | undefined {
  const latest = state.get(LATEST);
  return latest?.kind === 'flow' ? latest.flow : undefined;
}

function flowChanges(flow: Flow): Changes {
  const resource: Resource = { kind: 'flow', flow };
  const recordId = revisionId(flow.revision);
  return {
    kind: 'changes',
    facts: [
      { id: recordId, resource },
      { id: LATEST, resource },
    ],
    shown: resource,
    recordId,
  };
}

function saveFlow(
  state: State,
  { mode, flow, expectedRevision }: Extract<ResourceChange, { kind: 'save-flow' }>,
  at: number,
): Changes | Refused {
  const latest = latestFlow(state);
  const exists = latest !== undefined && !latest.deleted;
  const name = `Flow '${flow.namespace}.${flow.id}'`;
  if (mode === 'create' && exists) return refused('exists', `${name} exists already: update it instead`);
  if (mode === 'update' && !exists) return refused('unknown', `${name} does not exist: create it first`);
  if (expectedRevision !== undefined && latest?.revision !== expectedRevision) {
    return refused(
      'conflict',
      `${name} is at revision ${latest?.revision ?? 0} and not ${expectedRevision}: read it again`,
    );
  }
  if (exists && latest.source === flow.source) {
    return { kind: 'changes', facts: [], shown: { kind: 'flow', flow: latest }, recordId: revisionId(latest.revision) };
  }
  return flowChanges({ ...flow, revision: (latest?.revision ?? 0) + 1, deleted: false, updated: at });
}

function deleteFlow(state: State, at: number): Changes | Refused {
  const latest = latestFlow(state);
  if (!latest || latest.deleted) return refused('unknown', 'The flow does not exist');
  return flowChanges({ ...latest, revision: latest.revision + 1, deleted: true, updated: at });
}

function deleteRevisions(state: State, revisions: readonly number[]): Changes | Refused {
  const latest = latestFlow(state);
  if (!latest) return refused('unknown', 'The flow does not exist');
  if (revisions.includes(latest.revision)) {
    return refused('invalid', `Revision ${latest.revision} is the newest one and cannot be deleted: delete the flow`);
  }
  const unknown = revisions.find((revision) => state.get(revisionId(revision)) === undefined);
  if (unknown !== undefined) return refused('unknown', `The flow has no revision ${unknown}`);
  return {
    kind: 'changes',
    facts: [...new Set(revisions)].map((revision) => ({ id: revisionId(revision), resource: null })),
    shown: { kind: 'flow', flow: latest },
    recordId: LATEST,
  };
}

function createUser(
  state: State,
  { user, onlyFirst }: Extract<ResourceChange, { kind: 'create-user' }>,
): Changes | Refused {
  const users = [...state.entries()].flatMap(([, resource]) => (resource.kind === 'user' ? [resource.user] : []));
  if (onlyFirst && users.length > 0) return refused('exists', 'There is an account already');
  const name = user.username.toLowerCase();
  if (users.some(({ id, username }) => id === user.id || username.toLowerCase() === name)) {
    return refused('exists', `A user called '${user.username}' exists already`);
  }
  const resource: Resource = { kind: 'user', user };
  return { kind: 'changes', facts: [{ id: user.id, resource }], shown: resource, recordId: user.id };
}

function setPassword(
  state: State,
  { userId, passwordHash }: Extract<ResourceChange, { kind: 'set-password' }>,
  at: number,
): Changes | Refused {
  const record = state.get(userId);
  if (!isPlainObject(record) || record.kind !== 'user') return refused('unknown', 'The user does not exist');
  const resource: Resource = { kind: 'user', user: { ...record.user, passwordHash, passwordChangedAt: at } };
  return { kind: 'changes', facts: [{ id: userId, resource }], shown: resource, recordId: userId };
}
