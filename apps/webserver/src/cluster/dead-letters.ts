import {
  isReplayMark,
  outgoing,
  type Clock,
  type DeadLetter,
  type DeadLetterRecord,
  type DeadLetterReplayed,
  type Topics,
} from '@millrace/model';
import type { Committed, Queue, Tail } from '@millrace/queue';

/** What is kept in memory of a letter: not its value, which may be large and may hold secrets. */
export interface LetterHeading extends Omit<DeadLetter, 'value'> {
  /** Its partition and position in the log of letters: `0-17`. */
  readonly id: string;
  /** Absent: nobody had it published again. */
  readonly replayed?: Pick<DeadLetterReplayed, 'by' | 'at'>;
}

export interface DeadLetters {
  /** The newest first. Of very many only the newest 10,000 are known. */
  list(): Promise<readonly LetterHeading[]>;
  /** Letters that nobody had published again, by processor; what is known now. Does not wait. */
  open(): ReadonlyMap<string, number>;
  /** Letters since a date, in milliseconds since the epoch, that nobody had published again. */
  openSince(since: number): number;
  /** Reads the letters with their values; those that are not there are left out. Reads through the log of letters. */
  read(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, DeadLetter>>;
  /** Remembers that the letters were published again. */
  mark(ids: readonly string[], by: string): Promise<void>;
  close(): void;
}

const KEPT_MAX = 10_000;

const idOf = ({ partition, position }: Pick<Committed<DeadLetterRecord>, 'partition' | 'position'>): string =>
  `${partition}-${position}`;

/** Remembers a letter, or that it was replayed; the oldest goes when there are too many. */
function keep(headings: Map<string, LetterHeading>, record: Committed<DeadLetterRecord>): void {
  const { value } = record;
  if (value === null) return;
  if (isReplayMark(value)) {
    const letter = headings.get(value.letter);
    if (letter) headings.set(value.letter, { ...letter, replayed: { by: value.by, at: value.at } });
    return;
  }
  const { value: _kept, ...heading } = value;
  const id = idOf(record);
  headings.set(id, { ...heading, id });
  const oldest = headings.keys().next();
  if (headings.size > KEPT_MAX && !oldest.done) headings.delete(oldest.value);
}

/**
 * The letters as a bounded list of headings, kept up to date by a tail. Values stay in the log and are read through it when
 * somebody asks for one: letters are few, and who asks is a person (decision 0018).
 */
export function createDeadLetters(
  { queue, topics, clock }: { readonly queue: Queue; readonly topics: Topics; readonly clock: Clock },
  onError: (error: unknown) => void,
): DeadLetters {
  const headings = new Map<string, LetterHeading>();
  const { deadLetters } = topics;
  let tail: Tail | undefined;
  let closed = false;
  let following: Promise<Tail> | undefined;
  const opened = async (): Promise<Tail> => {
    const onRecord = (record: Committed<DeadLetterRecord>): void => keep(headings, record);
    const started = await queue.tail(deadLetters, { from: 'start', onRecord, onError });
    if (closed) started.close();
    else tail = started;
    return started;
  };
  const follow = (): Promise<Tail> => {
    following ??= opened();
    // Who asks after a failure tries anew.
    following.catch(() => (following = undefined));
    return following;
  };
  // Nobody waits for it at the start.
  follow().catch(onError);

  const isKept = ({ at }: LetterHeading): boolean => at > clock.now() - (deadLetters.retentionMs ?? Infinity);
  const openOnes = (): readonly LetterHeading[] =>
    [...headings.values()].filter((letter) => letter.replayed === undefined && isKept(letter));
  return {
    async list() {
      await (await follow()).caughtUp();
      return [...headings.values()].filter(isKept).reverse();
    },
    open() {
      const counts = new Map<string, number>();
      for (const { processor } of openOnes()) counts.set(processor, (counts.get(processor) ?? 0) + 1);
      return counts;
    },
    openSince: (since) => openOnes().filter(({ at }) => at >= since).length,
    async read(ids) {
      const found = new Map<string, DeadLetter>();
      const reading = await queue.tail(deadLetters, {
        from: 'start',
        onRecord(record) {
          const { value } = record;
          const id = idOf(record);
          if (value !== null && !isReplayMark(value) && ids.has(id)) found.set(id, value);
        },
      });
      reading.close();
      return found;
    },
    async mark(ids, by) {
      const at = clock.now();
      await queue.publish(
        ids.map((letter) => outgoing({ topic: deadLetters, key: letter, value: { kind: 'replayed', letter, by, at } })),
      );
    },
    close() {
      closed = true;
      tail?.close();
    },
  };
}
