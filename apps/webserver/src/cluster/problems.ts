import type { Role } from '@millrace/model';
import { processorsOf } from './processors.js';
import type { ClusterStatus } from './status.js';
import { createTopics } from '@millrace/model';

/** Something that does not mend itself. */
export interface Problem {
  readonly what: string;
  readonly advice: string;
}

/** Events or jobs that wait beyond this are more than a peak. */
const LAG_MAX = 10_000;
const INDEX_SECONDS_MAX = 60;

/** Names and roles do not depend on sizes. */
const PROCESSORS = processorsOf(createTopics({ executionPartitions: 1, resourcePartitions: 1 }));

type Found = Omit<ClusterStatus, 'healthy' | 'problems'>;

/** What needs a person, in the order in which it should be looked at; each with what to do. */
export function problemsOf(found: Found, { newLetters }: { readonly newLetters: number }): readonly Problem[] {
  const missing = missingRoles(found);
  return [
    ...missing,
    ...silentMembers(found, missing.length > 0),
    ...processorProblems(found),
    ...groupProblems(found),
    ...indexProblems(found),
    ...(newLetters > 0
      ? [
          {
            what: `${newLetters} records of the last day could not be handled`,
            advice: `look at them with 'millrace dead-letters list', mend the cause, then 'millrace dead-letters replay ID'`,
          },
        ]
      : []),
  ];
}

const MISSED: Readonly<Partial<Record<Role, string>>> = {
  executor: 'executions stand still, and so does this overview',
  worker: 'tasks wait',
  scheduler: 'triggers start nothing',
};

const missingRoles = ({ members }: Found): readonly Problem[] =>
  Object.entries(MISSED).flatMap(([role, consequence]) =>
    members.some((member) => member.role === role && !member.silent)
      ? []
      : [{ what: `No ${role} is alive: ${consequence}`, advice: `start one with 'millrace server ${role}'` }],
  );

/** While nobody judges the heartbeats, all are silent: then that is told, and not each of them. */
const silentMembers = ({ members }: Found, isJudgedByNobody: boolean): readonly Problem[] =>
  isJudgedByNobody
    ? []
    : members
        .filter(({ silent }) => silent)
        .map(({ role, instance, host, heartbeatSecondsAgo }) => ({
          what: `The ${role} ${instance} on ${host} has said nothing for ${heartbeatSecondsAgo} s`,
          advice: 'see whether its machine and its connection to the queue are well; it is declared lost by itself',
        }));

function processorProblems({ processors, members }: Found): readonly Problem[] {
  return processors.flatMap(({ name, withoutOwner, lag }) => {
    const known = PROCESSORS.find((processor) => processor.name === name);
    const isRun = members.some(({ role, silent }) => role === known?.role && !silent);
    const problems: Problem[] = [];
    if (isRun && withoutOwner.length > 0) {
      problems.push({
        what: `Nobody owns partition ${withoutOwner.join(', ')} of '${name}': there ${known?.what ?? 'nothing goes on'}`,
        advice: `look again in 10 s, for a take-over takes a moment; then read the logs of the ${known?.role ?? 'servers'}`,
      });
    }
    if (lag === undefined) {
      problems.push({
        what: `The queue does not say how far '${name}' is`,
        advice: 'see whether its brokers answer, and whether this server may describe groups',
      });
    } else if (lag > LAG_MAX) {
      problems.push({
        what: `'${name}' is ${lag} events behind`,
        advice: `if the number grows, start another ${known?.role ?? 'server'}`,
      });
    }
    return problems;
  });
}

const groupProblems = ({ groups, maintenance }: Found): readonly Problem[] =>
  groups.flatMap(({ group, workers, waiting = 0 }) => {
    if (maintenance !== undefined || waiting === 0) return [];
    if (workers === 0) {
      return [
        {
          what: `${waiting} jobs wait for the worker group '${group}', which has no worker`,
          advice: `start one with 'millrace server worker --worker-group ${group}'`,
        },
      ];
    }
    return waiting > LAG_MAX
      ? [{ what: `${waiting} jobs wait for the worker group '${group}'`, advice: 'start more workers of it' }]
      : [];
  });

const indexProblems = ({ index, members }: Found): readonly Problem[] => {
  if (index === undefined || index.seconds <= INDEX_SECONDS_MAX) return [];
  const isRun = members.some(({ role, silent }) => role === 'indexer' && !silent);
  return [
    {
      what: `Searches miss the last ${index.seconds} s (${index.records} records)`,
      advice: isRun
        ? 'see whether Elasticsearch answers, then the log of the indexer'
        : `no indexer is alive: start one with 'millrace server indexer'`,
    },
  ];
};
