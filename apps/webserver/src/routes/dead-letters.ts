import { type DeadLetter } from '@millrace/model';
import { QueueError } from '@millrace/queue';
import type { LetterHeading } from '../cluster/dead-letters.js';
import { replayable } from '../cluster/replay-letter.js';
import { json } from '../http/answer.js';
import { jsonBody } from '../http/body.js';
import { HttpError, notFound } from '../http/errors.js';
import { pageOf, pagingOf } from '../http/paging.js';
import { superAdmin, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

const MANAGES = superAdmin('the records of every tenant, which may hold secrets');

/** Letters that one request has published again; the caller goes on with the next ones. */
const REPLAYED_MAX = 500;

interface ReplayRequest {
  readonly ids?: readonly string[];
  /** Every letter that nobody had replayed, at most 500 at a time. */
  readonly all?: boolean;
  /** With `all`: only letters of this processor. */
  readonly processor?: string;
  /** Also those that were replayed before. */
  readonly again?: boolean;
}

const REPLAY = jsonBody<ReplayRequest>({
  type: 'object',
  properties: {
    ids: { type: 'array', items: { type: 'string', pattern: '^\\d{1,6}-\\d{1,15}$' }, maxItems: REPLAYED_MAX },
    all: { type: 'boolean' },
    processor: { type: 'string', maxLength: 256 },
    again: { type: 'boolean' },
  },
  additionalProperties: false,
});

/** Records that nobody could handle: lists, one with its value, and how they are published again. */
export function deadLetterRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/dead-letters',
      parameters: ['page', 'size', 'processor', 'topic'],
      access: MANAGES,
      summary: 'Records that nobody could handle, the newest first, without their values',
      async handle({ query }) {
        const [processor, topic] = [query.text('processor'), query.text('topic')];
        const letters = (await services.running().deadLetters.list()).filter(
          (letter) =>
            (processor === undefined || letter.processor === processor) &&
            (topic === undefined || letter.topic === topic),
        );
        const { results, total } = pageOf(letters, pagingOf(query));
        return json({ results: results.map(presented), total });
      },
    },
    {
      method: 'GET',
      area: 'instance',
      path: '/instance/dead-letters/:letter',
      access: MANAGES,
      summary: 'A record that nobody could handle, with its value',
      async handle(call) {
        const { heading, letter } = await letterOf(services, call);
        return json({ ...presented(heading), value: letter.value });
      },
    },
    {
      method: 'POST',
      area: 'instance',
      path: '/instance/dead-letters/replay',
      body: REPLAY,
      access: MANAGES,
      summary: 'Publish records that nobody could handle once more',
      handle: async (call) => json(await replayed(services, call)),
    },
  ];
}

async function letterOf(
  services: RouteServices,
  call: Call,
): Promise<{ readonly heading: LetterHeading; readonly letter: DeadLetter }> {
  const { deadLetters } = services.running();
  const id = call.parameter('letter');
  const heading = (await deadLetters.list()).find((one) => one.id === id);
  const letter = heading && (await deadLetters.read(new Set([id]))).get(id);
  if (heading && letter) return { heading, letter };
  throw notFound(`There is no dead letter '${id}': see the list`);
}

const presented = ({ at, replayed, ...heading }: LetterHeading) => ({
  ...heading,
  at: new Date(at).toISOString(),
  ...(replayed ? { replayed: { by: replayed.by, at: new Date(replayed.at).toISOString() } } : {}),
});

interface ReplayAnswer {
  readonly replayed: readonly string[];
  /** Why these were not. */
  readonly refused: readonly { readonly id: string; readonly message: string }[];
  /** Letters that are left to replay, of those that were wanted. */
  readonly left: number;
}

async function replayed(services: RouteServices, call: Call): Promise<ReplayAnswer> {
  const { ids = [], all = false, processor, again = false } = await REPLAY.read(call.request);
  if (all === ids.length > 0) {
    throw new HttpError(422, "Give either 'ids', or 'all': true with or without a 'processor'");
  }
  const { deadLetters } = services.running();
  const known = new Map((await deadLetters.list()).map((heading) => [heading.id, heading]));
  const refused: { id: string; message: string }[] = [];
  const refuse = (id: string, message: string): void => void refused.push({ id, message });
  const wanted: string[] = [];
  // The oldest first: records of one key keep their order.
  const named = all
    ? [...known.values()]
        .filter((one) => processor === undefined || one.processor === processor)
        .reverse()
        .map(({ id }) => id)
    : ids;
  for (const id of new Set(named)) {
    const heading = known.get(id);
    if (heading === undefined) refuse(id, 'There is no such dead letter');
    else if (heading.replayed === undefined || again) wanted.push(id);
    else if (!all) {
      const { by, at } = heading.replayed;
      refuse(id, `It was replayed by ${by} at ${new Date(at).toISOString()}; 'again' has it done once more`);
    }
  }
  const now = wanted.slice(0, REPLAYED_MAX);
  const done = await publishAll(services, now, call.principal?.username ?? '', refuse);
  return { replayed: done, refused, left: wanted.length - now.length };
}

/** First the record, then the mark: a crash between the two leaves a letter that can be replayed once more. */
async function publishAll(
  services: RouteServices,
  ids: readonly string[],
  by: string,
  refuse: (id: string, message: string) => void,
): Promise<readonly string[]> {
  const { queue, topics } = services.starting;
  const { deadLetters } = services.running();
  const letters = await deadLetters.read(new Set(ids));
  const done: string[] = [];
  for (const id of ids) {
    const letter = letters.get(id);
    if (letter === undefined) {
      refuse(id, 'It is gone: its retention is over');
      continue;
    }
    const what = replayable(topics, letter);
    if ('refusal' in what) {
      refuse(id, what.refusal);
      continue;
    }
    try {
      await queue.publish([what.record]);
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== 'QUEUE_TOO_LARGE') throw error;
      refuse(id, error.message);
      continue;
    }
    done.push(id);
    await deadLetters.mark([id], by);
  }
  return done;
}
