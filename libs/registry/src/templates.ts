import { LATEST, type FlowTemplate, type Resource, type TemplateChange } from '@millrace/model';
import { refused, type Changes, type Refused, type ResourceState } from './changes.js';

/** Decides a command to the owner of a template. */
export function changeTemplate(state: ResourceState, wanted: TemplateChange, at: number): Changes | Refused {
  const record = state.get(LATEST);
  const latest = record?.kind === 'template' ? record.template : undefined;
  const isThere = latest !== undefined && !latest.deleted;
  switch (wanted.kind) {
    case 'save-template': {
      const { mode, template } = wanted;
      const name = `Template '${template.namespace}.${template.id}'`;
      if (mode === 'create' && isThere) return refused('exists', `${name} exists already: update it instead`);
      if (mode === 'update' && !isThere) return refused('unknown', `${name} does not exist: create it first`);
      return changed({ ...template, updatedAt: at, deleted: false });
    }
    case 'delete-template':
      return isThere
        ? changed({ ...latest, updatedAt: at, deleted: true })
        : refused('unknown', 'The template does not exist');
    default:
      return wanted satisfies never;
  }
}

function changed(template: FlowTemplate): Changes {
  const resource: Resource = { kind: 'template', template };
  return { kind: 'changes', facts: [{ id: LATEST, resource }], shown: resource, recordId: LATEST };
}
