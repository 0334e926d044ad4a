import { isoDate, type Flow, type PlainObject } from '@millrace/model';

/** A flow as the API shows it: what was written, and what the server added. `source` when it is asked for. */
export const presentFlow = (flow: Flow, options: { readonly source: boolean }): PlainObject => ({
  ...flow.definition,
  tenantId: flow.tenant,
  id: flow.id,
  namespace: flow.namespace,
  revision: flow.revision,
  disabled: flow.definition.disabled ?? false,
  deleted: flow.deleted,
  updated: isoDate(flow.updated),
  ...(options.source && { source: flow.source }),
});
