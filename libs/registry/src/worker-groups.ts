import { DEFAULT_GROUP, type Resource, type WorkerGroup, type WorkerGroupChange } from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';

/** Decides a command to the owner of all worker groups. */
export function changeWorkerGroup(state: ResourceState, wanted: WorkerGroupChange): Changes | Refused {
  switch (wanted.kind) {
    case 'create-worker-group': {
      const { group } = wanted;
      const taken = group.key === DEFAULT_GROUP || groupsOf(state).some(({ key }) => key === group.key);
      return taken ? refused('exists', `The worker group '${group.key}' exists already`) : saved(group);
    }
    case 'update-worker-group': {
      const { group } = wanted;
      const known = groupsOf(state).find(({ id }) => id === group.id);
      if (!known) return unknown(group.id);
      if (known.key !== group.key) {
        return refused(
          'invalid',
          `The key of a worker group cannot change: it is '${known.key}'; register '${group.key}' as a group of its own`,
        );
      }
      return saved(group);
    }
    case 'delete-worker-group': {
      const group = groupsOf(state).find(({ id }) => id === wanted.id);
      if (!group) return unknown(wanted.id);
      return {
        kind: 'changes',
        facts: [{ id: group.id, resource: null }],
        shown: { kind: 'worker-group', group },
        recordId: group.id,
      };
    }
    default:
      return wanted satisfies never;
  }
}

const unknown = (id: string): Refused => refused('unknown', `There is no worker group with the id '${id}'`);

const groupsOf = (state: ResourceState): readonly WorkerGroup[] =>
  [...state.entries()].flatMap(([, resource]) => (resource.kind === 'worker-group' ? [resource.group] : []));

function saved(group: WorkerGroup): Changes {
  const resource: Resource = { kind: 'worker-group', group };
  return { kind: 'changes', facts: [{ id: group.id, resource }], shown: resource, recordId: group.id };
}
