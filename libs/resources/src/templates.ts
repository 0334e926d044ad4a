import type { Scope } from '@millrace/authorization';
import { LATEST, templateKey, type FlowTemplate } from '@millrace/model';
import { checkCovered } from './key-values.js';
import { doneIfThere, doneOf } from './refused.js';
import type { ResourceAccess } from './resource-access.js';
import { compareText, createResourceIndex } from './resource-index.js';

type NewTemplate = Omit<FlowTemplate, 'updatedAt' | 'deleted'>;

/** Templates (deprecated). What a scope does not cover is not there. */
export interface Templates {
  find(scope: Scope, namespace: string, id: string): Promise<FlowTemplate | undefined>;
  /** By namespace, then id. */
  list(scope: Scope): Promise<readonly FlowTemplate[]>;
  /** @throws ResourceRefusedError exists, unknown */
  save(scope: Scope, mode: 'create' | 'update' | 'save', template: NewTemplate): Promise<FlowTemplate>;
  /** False when there was none. */
  remove(scope: Scope, namespace: string, id: string): Promise<boolean>;
  close(): void;
}

/** Templates over a server's copy of the resources. */
export function createTemplates({ view, change, refresh }: ResourceAccess): Templates {
  const index = createResourceIndex(view, 'template');
  const latest = (scope: Scope, namespace: string, id: string): FlowTemplate | undefined =>
    scope.covers(namespace) ? templateOf(view, scope.tenant, namespace, id) : undefined;
  return {
    async find(scope, namespace, id) {
      await refresh();
      return latest(scope, namespace, id);
    },
    async list(scope) {
      await refresh();
      return [...index.namespaces(scope.tenant)]
        .flatMap((namespace) =>
          [...index.names(scope.tenant, namespace)].flatMap((id) => latest(scope, namespace, id) ?? []),
        )
        .sort((one, other) => compareText(one.namespace, other.namespace) || compareText(one.id, other.id));
    },
    async save(scope, mode, template) {
      checkCovered(scope, template.namespace);
      const key = templateKey(scope.tenant, template.namespace, template.id);
      const { resource } = doneOf(await change(key, { kind: 'save-template', mode, template }));
      if (resource.kind !== 'template') throw new Error(`The owner of a template answered with a ${resource.kind}`);
      return resource.template;
    },
    async remove(scope, namespace, id) {
      checkCovered(scope, namespace);
      const outcome = await change(templateKey(scope.tenant, namespace, id), { kind: 'delete-template' });
      return doneIfThere(outcome) !== undefined;
    },
    close: () => index.close(),
  };
}

/** The template as a copy shows it now, for the plan of a flow; undefined when there is none or it was deleted. */
export function templateOf(
  view: Pick<ResourceAccess['view'], 'get'>,
  tenant: string,
  namespace: string,
  id: string,
): FlowTemplate | undefined {
  const record = view.get(templateKey(tenant, namespace, id), LATEST);
  if (record?.kind !== 'template' || record.template.tenant !== tenant || record.template.deleted) return undefined;
  return record.template;
}
