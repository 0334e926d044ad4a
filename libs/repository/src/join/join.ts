import type { Scope } from '@millrace/authorization';
import type { Clock } from '@millrace/model';
import {
  BEHIND_SHOWN_SECONDS,
  type ExecutionRecords,
  type Freshness,
  type IndexBehind,
  type Page,
  type Sort,
} from '../contract.js';
import { addFigures } from '../metric-groups.js';
import type { MetricFigures, RepositoryPart, Window, WithoutKeys, WithoutPositions } from '../part.js';
import { executionRecords, joinedHead } from './executions.js';
import { IndexAccess } from './index-access.js';
import { indexWindow, mergePage, mergeSorted, recentWindow } from './merge.js';
import { executionOrder, headKeyOf, logOrder, metricOrder, placeOrder, triggerOrder, type Order } from './order.js';
import type { Newer, RecentPart, Searches } from './recent.js';

export interface JoinOptions {
  readonly clock: Clock;
  /** How long the index is waited for, in milliseconds; default 5 s. */
  readonly patienceMs?: number;
}

/** Two parts as one, and how far its searches are behind. */
export interface JoinedParts extends RepositoryPart {
  freshness(): Freshness;
}

/**
 * The index and what is newer than it, as one. Executions and triggers are told apart by key: of those that the recent part
 * has, the index is asked for nothing. Entries of logs and metrics are told apart by position. While the index cannot be
 * reached, lists and logs are those of the recent part, and lists say so; so is an execution of which that has everything.
 * @throws RepositoryError UNAVAILABLE from what needs the index, while it cannot be reached
 */
export function joinParts(index: RepositoryPart, recent: RecentPart, options: JoinOptions): JoinedParts {
  const access = new IndexAccess(options.clock, options.patienceMs);
  const freshness = (): Freshness => {
    const known = recent.freshness();
    const behind = unreachable(access, known) ?? known.behind;
    return behind === undefined ? known : { ...known, behind };
  };
  const lists = new JoinedLists(index, recent, access);
  return {
    executionHead: (scope, executionId) => joinedHead(index, recent, access, scope, executionId),
    executionRecords: (scope, executionId) => executionRecords(index, recent, access, scope, executionId),
    searchExecutions: (scope, query, window) =>
      lists.executions(scope, query.sort, window, (part, rows, without) =>
        part.searchExecutions(scope, query, rows, without),
      ),
    async executionParts(scope, keys) {
      const { answer } = await recent.search('executions', (part) => part.executionParts(scope, keys));
      return joinMaps(await access.need(() => index.executionParts(scope, keys)), answer);
    },
    async executionLogs(scope, executionId, filter) {
      const { answer, newer } = await recent.search('logs', (part) => part.executionLogs(scope, executionId, filter));
      // Following goes on while the index is away: what comes next is here.
      const reached = await access.ask(() => index.executionLogs(scope, executionId, filter, newer));
      return 'answer' in reached ? mergeSorted(answer, reached.answer, placeOrder, filter.limit) : answer;
    },
    searchLogs: (scope, query, window) =>
      lists.placed(
        'logs',
        window,
        () => logOrder(query.sort),
        (part, rows, without) => part.searchLogs(scope, query, rows, without),
      ),
    executionMetrics: (scope, executionId, query, window) =>
      lists.placed(
        'metrics',
        window,
        () => metricOrder(query.sort),
        (part, rows, without) => part.executionMetrics(scope, executionId, query, rows, without),
      ),
    ...joinedFigures(index, recent, access),
    searchTriggers: (scope, query, window) =>
      lists.keyed(
        'triggers',
        window,
        () => triggerOrder(query.sort),
        (part, rows, without) => part.searchTriggers(scope, query, rows, without),
      ),
    async trigger(scope, name) {
      if (!scope.covers(name.namespace)) return undefined;
      const found = await recent.trigger(scope, name);
      if (found !== undefined) return found === 'removed' ? undefined : found;
      return access.need(() => index.trigger(scope, name));
    },
    freshness,
    async close() {
      await Promise.all([index.close(), recent.close()]);
    },
  };
}

type Figures = Pick<RepositoryPart, 'countLogs' | 'countMetrics' | 'metricNames' | 'metricTasks' | 'metricFigures'>;

/** What is counted and added up: wrong without the index, so refused then. */
function joinedFigures(index: RepositoryPart, recent: RecentPart, access: IndexAccess): Figures {
  const both = async <Of extends 'logs' | 'metrics', Answer>(
    of: Of,
    ask: (part: Searches, without?: WithoutPositions) => Promise<Answer>,
  ): Promise<readonly [Answer, Answer]> => {
    const { answer, newer } = await recent.search<Of, Answer>(of, (part) => ask(part));
    return [answer, await access.need(() => ask(index, newer))];
  };
  return {
    async countLogs(scope, selection) {
      const [one, other] = await both('logs', (part, without) => part.countLogs(scope, selection, without));
      return one + other;
    },
    async countMetrics(scope, selection) {
      const [one, other] = await both('metrics', (part, without) => part.countMetrics(scope, selection, without));
      return one + other;
    },
    metricNames: async (scope, of) => textsOf(await both('metrics', (part) => part.metricNames(scope, of))),
    metricTasks: async (scope, of) => textsOf(await both('metrics', (part) => part.metricTasks(scope, of))),
    async metricFigures(scope, query) {
      const [one, other] = await both('metrics', (part, without) => part.metricFigures(scope, query, without));
      const groups = new Map<number, MetricFigures>();
      for (const figures of [...one, ...other])
        groups.set(figures.start, addFigures(groups.get(figures.start), figures));
      return [...groups.values()].sort((first, second) => first.start - second.start);
    },
  };
}

type Ask<Row, Without> = (part: Searches, rows: Window, without?: Without) => Promise<Page<Row>>;

/** Pages of both. */
class JoinedLists {
  constructor(
    private readonly index: RepositoryPart,
    private readonly recent: RecentPart,
    private readonly access: IndexAccess,
  ) {}

  /** Rows that have a place in a log. */
  async placed<Of extends 'logs' | 'metrics', Row>(
    of: Of,
    window: Window,
    order: () => Order<Row>,
    ask: Ask<Row, WithoutPositions>,
  ): Promise<Page<Row>> {
    const { answer, newer } = await this.recent.search<Of, Page<Row>>(of, (part) => ask(part, recentWindow(window)));
    return this.#withIndex(window, answer, order(), (rows) => ask(this.index, rows, newer));
  }

  /** Rows that have a key. */
  async keyed<Of extends 'executions' | 'triggers', Row>(
    of: Of,
    window: Window,
    order: () => Order<Row>,
    ask: Ask<Row, WithoutKeys>,
  ): Promise<Page<Row>> {
    const found = await this.recent.search<Of, Page<Row>>(of, (part) => ask(part, recentWindow(window)));
    const newer: Newer['executions'] = found.newer;
    if (newer !== 'too many') {
      return this.#withIndex(window, found.answer, order(), (rows) => ask(this.index, rows, newer));
    }
    const reached = await this.access.ask(() => ask(this.index, window));
    if (!('answer' in reached)) return this.#alone(window, found.answer);
    const reason = 'The index is so far behind that lists show only what it has';
    return { ...reached.answer, behind: { seconds: this.recent.freshness().behind?.seconds ?? 0, reason } };
  }

  /** As `keyed`, with what lists show beside heads, which the other part may have. */
  async executions(
    scope: Scope,
    sort: readonly Sort[],
    window: Window,
    ask: Ask<ExecutionRecords, WithoutKeys>,
  ): Promise<Page<ExecutionRecords>> {
    const page = await this.keyed('executions', window, () => executionOrder(sort), ask);
    const keys = page.results.map(({ head }) => headKeyOf(head));
    if (keys.length === 0) return page;
    const { answer: here } = await this.recent.search('executions', (part) => part.executionParts(scope, keys));
    const missing = page.results.filter(({ created }) => created === undefined).map(({ head }) => headKeyOf(head));
    const reached =
      missing.length === 0 ? undefined : await this.access.ask(() => this.index.executionParts(scope, missing));
    const there = reached !== undefined && 'answer' in reached ? reached.answer : undefined;
    const results = page.results.map((row) => {
      const key = headKeyOf(row.head);
      return { ...there?.get(key), ...row, ...here.get(key) };
    });
    return { ...page, results };
  }

  async #withIndex<Row>(
    window: Window,
    recent: Page<Row>,
    order: Order<Row>,
    ask: (rows: Window) => Promise<Page<Row>>,
  ): Promise<Page<Row>> {
    const reached = await this.access.ask(() => ask(indexWindow(window, recent.total)));
    if (!('answer' in reached)) return this.#alone(window, recent);
    const { behind } = this.recent.freshness();
    return {
      ...mergePage(window, recent, reached.answer, order),
      ...(behind !== undefined && behind.seconds > BEHIND_SHOWN_SECONDS && { behind }),
    };
  }

  #alone<Row>({ from, size }: Window, { results, total }: Page<Row>): Page<Row> {
    const behind = unreachable(this.access, this.recent.freshness());
    return { results: results.slice(from, from + size), total, ...(behind && { behind }) };
  }
}

function unreachable({ failure }: IndexAccess, { behind }: Freshness): IndexBehind | undefined {
  if (failure === undefined) return undefined;
  const reason = `The index cannot be reached, so lists show only what was committed lately: ${failure.message}`;
  return { seconds: behind?.seconds ?? 0, reason };
}

const textsOf = ([one, other]: readonly [readonly string[], readonly string[]]): readonly string[] =>
  [...new Set([...one, ...other])].sort((first, second) => Buffer.compare(Buffer.from(first), Buffer.from(second)));

function joinMaps<Value extends object>(
  older: ReadonlyMap<string, Value>,
  newer: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  const joined = new Map(older);
  for (const [key, value] of newer) joined.set(key, { ...joined.get(key), ...value });
  return joined;
}
