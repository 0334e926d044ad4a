import type { Topics } from '@millrace/model';
import type { LogQueue } from '@millrace/queue';
import type { IndexStore } from '@millrace/repository';
import type { ServiceContext } from '@millrace/service';

export interface IndexerOptions {
  readonly queue: Pick<LogQueue, 'consume' | 'publish' | 'view'>;
  readonly topics: Topics;
  readonly store: IndexStore;
  readonly context: ServiceContext;
}

/** What an indexer is called in the log and in `services`. */
export const createIndexer = ({ context }: IndexerOptions): { readonly name: string; readonly instance: string } => ({
  name: 'indexer',
  instance: context.instance,
});
