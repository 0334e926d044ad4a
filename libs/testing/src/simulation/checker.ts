import { flowKey, keyOf } from '@millrace/model';
import { checkCascade, checkChild, checkSlots, childrenIn, isKnown } from './check-family.js';
import { checkExecution } from './check-execution.js';
import type { Client } from './client.js';
import type { Observer } from './observer.js';
import { NAMESPACE, TENANT, type Scenario } from './scenario.js';

/** What the checks are told of what was done on the way. */
export interface Told {
  /** Keys of executions of which a task was not run because of its worker group. */
  readonly givenUp: ReadonlySet<string>;
  /** Keys of executions to which something was done after their end, or that were made then. */
  readonly touched: ReadonlySet<string>;
}

/** Everything that is wrong in the end, in sentences; empty when the cluster kept its promises. */
export function checkCluster(scenario: Scenario, client: Client, observer: Observer, told: Told): string[] {
  return [
    ...observer.deadLetters.map(({ topic, key, reason }) => `Dead letter of '${topic}' '${key}': ${reason}`),
    ...checkExecutions(scenario, client, observer, told),
    ...checkFlows(scenario, observer),
    ...checkSlots(observer.flowState),
  ];
}

function checkExecutions(
  { seed, executions }: Scenario,
  client: Client,
  observer: Observer,
  { givenUp, touched }: Told,
): string[] {
  const planned = new Set([...executions.map(({ id }) => keyOf(TENANT, id)), ...touched]);
  const children = childrenIn(observer);
  const strangers = [...observer.executions.keys()].filter((key) => !isKnown(key, planned, children));
  const found = strangers.map((key) => `Execution '${key}' was never asked for`);
  for (const child of children) {
    const [parent, head] = [observer.head(child.parentId), observer.head(child.id)];
    if (!parent || !head) continue;
    const events = observer.events.get(keyOf(TENANT, child.id)) ?? [];
    const isTouched = touched.has(keyOf(TENANT, child.parentId));
    const evidence = {
      seed,
      head,
      runs: observer.runs(child.id),
      events,
      killAcknowledged: false,
      givenUp: false,
      touched: isTouched,
    };
    const ofFamily = isTouched ? [] : [...checkChild(child, observer), ...checkCascade(child, parent, head)];
    const wrong = [...checkExecution(evidence), ...ofFamily];
    found.push(...wrong.map((sentence) => `${child.id}, started by ${child.parentId}, ${sentence}`));
  }
  for (const execution of executions) {
    const head = observer.head(execution.id);
    if (head === undefined) {
      if (client.requested.has(execution.id)) found.push(`${execution.id} was acknowledged and does not exist`);
      continue;
    }
    const wrong = checkExecution({
      seed,
      planned: execution,
      head,
      runs: observer.runs(execution.id),
      events: observer.events.get(keyOf(TENANT, execution.id)) ?? [],
      killAcknowledged: client.killed.has(execution.id),
      touched: touched.has(keyOf(TENANT, execution.id)),
      givenUp: givenUp.has(keyOf(TENANT, execution.id)),
    });
    found.push(...wrong.map((sentence) => `${execution.id} (${execution.flow.id}) ${sentence}`));
  }
  return found;
}

/** Each command made one revision, however often it was sent, and was answered with it. */
function checkFlows({ flows, revisions }: Scenario, { resources, replies }: Observer): string[] {
  return flows.flatMap(({ id }) => {
    const records = [...resources.records(flowKey(TENANT, NAMESPACE, id))];
    const stored = records.flatMap(([recordId, resource]) =>
      resource.kind === 'flow' && recordId !== 'latest' ? [resource.flow] : [],
    );
    const wanted = Array.from({ length: revisions }, (_, index) => index + 1);
    const found: string[] = [];
    const numbers = stored.map(({ revision }) => revision).sort((one, other) => one - other);
    if (numbers.join() !== wanted.join()) found.push(`${id} has the revisions ${numbers.join()}`);
    if (new Set(stored.map(({ source }) => source)).size !== revisions)
      found.push(`${id} was saved twice with one text`);
    for (const revision of wanted) {
      const answers = replies.filter(({ commandId }) => commandId === `${id}-${revision}`);
      const given = new Set(
        answers.map(({ outcome }) =>
          outcome.kind === 'done' && outcome.resource.kind === 'flow' ? outcome.resource.flow.revision : outcome.kind,
        ),
      );
      if (given.size !== 1) found.push(`${id}-${revision} was answered with ${[...given].join(' and ') || 'nothing'}`);
    }
    return found;
  });
}
