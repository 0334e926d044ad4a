import type { FlowSource, FlowTemplateSource } from '@millrace/model';
import type { Fault } from './fault.js';
import { parseFlow, type ParsedFlow, type ParseOptions } from './parse-flow.js';

/** What a text says and what is wrong with it, as of a flow. */
export interface ParsedTemplate extends Omit<ParsedFlow, 'definition'> {
  /** The template; only when there are no faults. */
  readonly definition?: FlowTemplateSource;
}

/** What a template has of what a flow may have. */
const MEMBERS: ReadonlySet<string> = new Set(['id', 'namespace', 'description', 'tasks', 'errors', 'finally']);

/** Parses and checks the text of one template: lists of tasks under a name, checked as those of a flow. */
export function parseTemplate(source: string, options: ParseOptions): ParsedTemplate {
  const { definition, ...findings } = parseFlow(source, options);
  if (!definition) return findings;
  const faults = Object.keys(definition)
    .filter((name) => !MEMBERS.has(name))
    .map((name) => foreignMember(source, name));
  return faults.length > 0 ? { ...findings, faults } : { ...findings, definition: templateOf(definition) };
}

function foreignMember(source: string, name: string): Fault {
  const line = source.split('\n').findIndex((text) => text.replace(/^["']/, '').startsWith(name)) + 1;
  return {
    line: Math.max(1, line),
    column: 1,
    path: name,
    message: `A template has no '${name}': it has id, namespace, description, tasks, errors and finally, and the flow has the rest.`,
  };
}

const templateOf = ({ id, namespace, description, tasks, ...rest }: FlowSource): FlowTemplateSource => ({
  id,
  namespace,
  ...(description === undefined ? {} : { description }),
  tasks,
  ...(rest.errors ? { errors: rest.errors } : {}),
  ...(rest.finally ? { finally: rest.finally } : {}),
});
