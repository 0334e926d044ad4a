import { Checker, CHECKED_TOPICS } from '../checker.js';
import { IndexCheck } from '../index-check.js';
import { list, plain, text } from '../plain.js';
import { readTopics, type TopicReader, type TopicRecord } from '../topics.js';
import { EXPECTATIONS, LIMITS, TICK_FLOWS } from './flows.js';
import { INDEXED, IndexProgress } from './index-progress.js';
import { Stalls } from './stalls.js';

/** Everything that looks at the topics while a cluster runs; each record is seen once and not kept. */
export interface Watch {
  readonly reader: TopicReader;
  readonly checker: Checker;
  readonly stalls: Stalls;
  readonly index: IndexCheck;
  readonly progress: IndexProgress;
  /** Records of schedules, for `checkTicks`. */
  readonly ticks: readonly TopicRecord[];
  /** Some job was lost so often that another loss would rightly fail it (three are forgiven). */
  isAtLossLimit(): boolean;
  /** Calls back with each record, after all others have seen it. */
  also(see: (record: TopicRecord) => void): void;
}

const LOSSES_MAX = 2;
const TICKING: ReadonlySet<string> = new Set(TICK_FLOWS.map(({ id }) => id));

export async function startWatch(brokers: readonly string[], prefix: string, hasIndex: boolean): Promise<Watch> {
  const checker = new Checker({ expectations: EXPECTATIONS, limits: LIMITS });
  const stalls = new Stalls();
  const index = new IndexCheck();
  const progress = new IndexProgress();
  const ticks: TopicRecord[] = [];
  const atLimit = new Set<string>();
  const others: ((record: TopicRecord) => void)[] = [];
  const topics = new Set<string>([...CHECKED_TOPICS, ...(hasIndex ? [...INDEXED, 'index-progress'] : [])]);
  const reader = await readTopics(brokers, prefix, [...topics], (record) => {
    checker.see(record);
    stalls.see(record);
    if (isTick(record)) ticks.push(record);
    if (hasIndex) {
      index.see(record);
      progress.see(record);
    }
    if (record.topic === 'task-runs') {
      const run = plain(record.value);
      const losses = list(run['attempts']).filter(({ state }) => state === 'RESUBMITTED').length;
      const isOpen = ['CREATED', 'SUBMITTED', 'RUNNING', 'RESUBMITTED'].includes(text(run['state']));
      if (isOpen && losses >= LOSSES_MAX) atLimit.add(record.key);
      else atLimit.delete(record.key);
    }
    for (const see of others) see(record);
  });
  return {
    reader,
    checker,
    stalls,
    index,
    progress,
    ticks,
    isAtLossLimit: () => atLimit.size > 0,
    also: (see) => void others.push(see),
  };
}

function isTick({ topic, value }: TopicRecord): boolean {
  const { kind, flowId } = plain(value);
  if (!TICKING.has(text(flowId))) return false;
  return (
    (topic === 'execution-events' && kind === 'execution-wanted') || (topic === 'executions' && kind === 'created')
  );
}
