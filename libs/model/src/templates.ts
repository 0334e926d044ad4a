import type { PlainObject } from './json.js';
import { keyOf } from './ids.js';
import type { TaskDefinition } from './flow.js';

/** Tasks that flows take over by name (deprecated; only where `templates.enabled` is true). */
export interface FlowTemplate {
  readonly tenant: string;
  readonly namespace: string;
  readonly id: string;
  /** As it was written. */
  readonly source: string;
  readonly definition: FlowTemplateSource;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
  readonly deleted: boolean;
}

/** A template as its author writes it. */
export type FlowTemplateSource = PlainObject & {
  readonly id: string;
  readonly namespace: string;
  readonly description?: string;
  readonly tasks: readonly TaskDefinition[];
  readonly errors?: readonly TaskDefinition[];
  readonly finally?: readonly TaskDefinition[];
};

/** Commands to the owner of a template. */
export type TemplateChange =
  | {
      readonly kind: 'save-template';
      /** `create`: refused when it exists. `update`: refused when it does not. `save`: either. */
      readonly mode: 'create' | 'update' | 'save';
      readonly template: Omit<FlowTemplate, 'updatedAt' | 'deleted'>;
    }
  | { readonly kind: 'delete-template' };

/** The key of a template. */
export const templateKey = (tenant: string, namespace: string, id: string): string =>
  keyOf(tenant, 'template', namespace, id);
