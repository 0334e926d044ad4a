import type { ConsumeOptions, LoggedRecord, LogQueue, Running } from '@millrace/queue';

/** What lies in a log: a record, the end of a transaction, or what nobody can read. */
type Entry = LoggedRecord<unknown> | 'transaction ended' | { readonly unreadable: string };

interface Member {
  readonly options: ConsumeOptions<unknown>;
  readonly partitions: Map<number, AbortController>;
  fail: (error: unknown) => void;
}

/** Topics with offsets and groups that share them, in memory: `consume` as Kafka does it, step by step and without I/O. */
export class ALog {
  readonly #entries = new Map<string, Entry[]>();
  /** By group and partition. */
  readonly stored = new Map<string, number>();
  readonly #members = new Map<string, Member[]>();
  readonly #waiting = new Set<() => void>();

  append(topic: string, partition: number, ...entries: (Partial<LoggedRecord<unknown>> | string)[]): void {
    const log = this.#logOf(topic, partition);
    for (const entry of entries) {
      if (entry === 'transaction ended') log.push(entry);
      else if (typeof entry === 'string') log.push({ unreadable: entry });
      else log.push({ key: 'k', id: '', value: {}, writtenAt: 0, ...entry, partition, offset: log.length });
    }
    this.#wake();
  }

  consume: LogQueue['consume'] = async (options) => {
    const { group } = options;
    // A member never looks at values: it hands over what was appended.
    const member: Member = {
      options: options as ConsumeOptions<unknown>,
      partitions: new Map(),
      fail: () => undefined,
    };
    const failed = new Promise<never>((_resolve, reject) => (member.fail = reject));
    failed.catch(() => undefined);
    this.#members.set(group, [...(this.#members.get(group) ?? []), member]);
    this.#distribute(group);
    const running: Running = {
      failed,
      close: async () => {
        this.#members.set(
          group,
          (this.#members.get(group) ?? []).filter((other) => other !== member),
        );
        for (const partition of [...member.partitions.keys()]) this.#lose(member, partition);
        this.#distribute(group);
      },
    };
    return running;
  };

  /** What `group` has of each topic's partition; 0 where nothing was stored. */
  storedOf(group: string, partition: number): number {
    return this.stored.get(`${group}/${partition}`) ?? 0;
  }

  #distribute(group: string): void {
    const members = this.#members.get(group) ?? [];
    members.forEach((member, at) => {
      for (let partition = 0; partition < member.options.topic.partitions; partition++) {
        const isMine = partition % members.length === at;
        if (!isMine && member.partitions.has(partition)) this.#lose(member, partition);
      }
    });
    members.forEach((member, at) => {
      for (let partition = 0; partition < member.options.topic.partitions; partition++)
        if (partition % members.length === at && !member.partitions.has(partition)) this.#give(member, partition);
    });
  }

  #lose(member: Member, partition: number): void {
    member.partitions.get(partition)?.abort();
    member.partitions.delete(partition);
    member.options.onLost?.(partition);
    this.#wake();
  }

  #give(member: Member, partition: number): void {
    const abort = new AbortController();
    member.partitions.set(partition, abort);
    this.#read(member, partition, abort.signal).catch((error: unknown) => member.fail(error));
  }

  async #read({ options }: Member, partition: number, signal: AbortSignal): Promise<void> {
    const log = this.#logOf(options.topic.name, partition);
    const place = `${options.group}/${partition}`;
    let next = options.fromStart === true ? 0 : (this.stored.get(place) ?? 0);
    await Promise.resolve();
    options.onPosition?.(partition, next);
    while (!signal.aborted) {
      const entries = log.slice(next, next + options.batchSize);
      if (entries.length === 0) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
        continue;
      }
      const records: LoggedRecord<unknown>[] = [];
      for (const [at, entry] of entries.entries()) {
        if (entry === 'transaction ended') continue;
        if (!('unreadable' in entry)) records.push(entry);
        else
          await options.onUnreadable?.(
            { partition, offset: next + at, key: 'k', text: entry.unreadable },
            'it is no JSON',
          );
      }
      if (records.length > 0) await options.onBatch(partition, records, signal);
      if (signal.aborted) return;
      next += entries.length;
      this.stored.set(place, next);
      options.onPosition?.(partition, next);
    }
  }

  #logOf(topic: string, partition: number): Entry[] {
    const name = `${topic}/${partition}`;
    const log = this.#entries.get(name) ?? [];
    this.#entries.set(name, log);
    return log;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
