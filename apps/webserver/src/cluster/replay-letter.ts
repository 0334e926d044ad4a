import {
  isPlainObject,
  outgoing,
  type DeadLetter,
  type OutgoingRecord,
  type Topic,
  type Topics,
} from '@millrace/model';

/** The record to publish again, or one sentence that says why there is none. */
export type Replayable = { readonly record: OutgoingRecord } | { readonly refusal: string };

const JOBS = 'jobs.';

/** Every topic that a processor or a worker reads, by name; what an index reads is no input. */
function inputOf(topics: Topics, name: string): Topic<unknown> | undefined {
  if (name.startsWith(JOBS)) return topics.jobs(name.slice(JOBS.length));
  const { executionEvents, resourceCommands, flowEvents, triggerEvents, serviceEvents } = topics;
  return [executionEvents, resourceCommands, flowEvents, triggerEvents, serviceEvents].find(
    (topic) => topic.name === name,
  );
}

/**
 * What a replay of the letter publishes: the original record, under its key. It is decided like one that has just come, so what is
 * no longer current by then changes nothing.
 */
export function replayable(topics: Topics, letter: DeadLetter): Replayable {
  const { topic: name, partition, position, key, value } = letter;
  const topic = inputOf(topics, name);
  if (topic === undefined) {
    return {
      refusal: `The record is still in '${name}' (partition ${partition}, position ${position}): mend the cause, then run 'millrace index rebuild', which writes it again`,
    };
  }
  if (isPlainObject(value) && value['kind'] === 'wake') {
    return { refusal: 'It is a timer and no record: the key is woken again by itself' };
  }
  if (key === '') {
    return {
      refusal:
        'It was sent to every partition, and replayed it would go to one: what it announced is announced again by itself',
    };
  }
  try {
    if (!isPlainObject(value)) throw new Error('only the beginning of its text was kept, or it never was a record');
    return { record: outgoing({ topic, key, value: topic.decode(value) }) };
  } catch (error) {
    return { refusal: `It cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
