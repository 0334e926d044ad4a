import type { Role, Topic, Topics } from '@millrace/model';

/** A processor of the installation: who runs it and what it reads. */
export interface KnownProcessor {
  readonly name: string;
  readonly role: Role;
  readonly input: Topic<unknown>;
  /** What stands still when it does. */
  readonly what: string;
}

/** Every processor, for people who look after them; names as the servers' heartbeats tell them. */
export const processorsOf = (topics: Topics): readonly KnownProcessor[] => [
  { name: 'executor', role: 'executor', input: topics.executionEvents, what: 'executions stand still' },
  { name: 'slots', role: 'executor', input: topics.flowEvents, what: 'executions that wait for a slot do not start' },
  { name: 'resources', role: 'executor', input: topics.resourceCommands, what: 'changes of flows are not confirmed' },
  { name: 'liveness', role: 'executor', input: topics.serviceEvents, what: 'servers that are lost are not noticed' },
  { name: 'scheduler', role: 'scheduler', input: topics.triggerEvents, what: 'triggers start nothing' },
];
