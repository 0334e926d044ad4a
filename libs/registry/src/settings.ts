import { LATEST, type Resource, type SettingsChange } from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';

/** Decides a command to the owner of the settings of a namespace or of a tenant. */
export function changeSettings(state: ResourceState, wanted: SettingsChange): Changes | Refused {
  const known = state.get(LATEST);
  switch (wanted.kind) {
    case 'save-namespace': {
      const { mode, namespace } = wanted;
      const isThere = known?.kind === 'namespace';
      const name = `Namespace '${namespace.id}'`;
      if (mode === 'create' && isThere) return refused('exists', `${name} exists already: update it instead`);
      if (mode === 'update' && !isThere) return refused('unknown', `${name} has no settings: create it first`);
      return saved({ kind: 'namespace', namespace });
    }
    case 'delete-namespace':
      if (known?.kind !== 'namespace') return refused('unknown', `Namespace '${wanted.id}' has no settings`);
      return {
        kind: 'changes',
        facts: [{ id: LATEST, resource: null }],
        shown: known,
        recordId: LATEST,
        forgetsKey: true,
      };
    case 'save-tenant':
      return saved({ kind: 'tenant', tenant: wanted.tenant });
    default:
      return wanted satisfies never;
  }
}

const saved = (resource: Resource): Changes => ({
  kind: 'changes',
  facts: [{ id: LATEST, resource }],
  shown: resource,
  recordId: LATEST,
});
