import { isPlainObject, isState } from '@millrace/model';
import type { ExecutionAnswer, FlowAnswer, LogAnswer, Page } from './answers.js';
import { ServerRefusal, createHttp, type Http, type HttpOptions, type RequestOptions } from './http.js';

/** The tenant of this edition. */
const TENANT = 'main';

export interface FlowName {
  readonly namespace: string;
  readonly id: string;
}

export interface StartOptions extends FlowName {
  readonly inputs: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, { readonly name: string; readonly content: Blob }>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly revision?: number;
}

/** What of a log is wanted; all of it when nothing is said. */
export interface LogFilter {
  readonly minLevel?: string;
}

export interface SearchExecutions {
  readonly namespace?: string;
  readonly flowId?: string;
  readonly states?: readonly string[];
  readonly size: number;
}

/** What `follow` gives: the execution after each change; the last one is its end. */
export interface FollowedExecution {
  readonly execution: ExecutionAnswer;
  readonly isEnd: boolean;
}

/** The REST API of a server, typed. Errors are `ServerRefusal` and `ServerUnreachable`. */
export interface Client {
  readonly url: string;
  /** Any route of the API; what it answers is checked by the caller. */
  request(method: 'GET' | 'POST', path: string, options?: RequestOptions): Promise<unknown>;
  /** False while the server has no account. Needs none. */
  isSetUp(): Promise<boolean>;
  findFlow(name: FlowName): Promise<FlowAnswer | undefined>;
  /** Creates the flow, or a new revision of it when the text changed. */
  saveFlow(name: FlowName, source: string): Promise<FlowAnswer>;
  deleteFlow(name: FlowName): Promise<void>;
  searchFlows(options: { readonly namespace?: string; readonly size: number }): Promise<Page<FlowAnswer>>;
  startExecution(options: StartOptions): Promise<ExecutionAnswer>;
  execution(id: string): Promise<ExecutionAnswer>;
  searchExecutions(options: SearchExecutions): Promise<Page<ExecutionAnswer>>;
  killExecution(id: string): Promise<void>;
  follow(id: string, signal: AbortSignal): AsyncGenerator<FollowedExecution, void, undefined>;
  followLogs(id: string, signal: AbortSignal, filter?: LogFilter): AsyncGenerator<LogAnswer, void, undefined>;
  logs(id: string, options?: LogFilter & { readonly taskId?: string }): Promise<readonly LogAnswer[]>;
  /** The content of a file of internal storage. */
  file(executionId: string, uri: string): Promise<AsyncIterable<Uint8Array>>;
  /** Bytes. */
  fileSize(executionId: string, uri: string): Promise<number>;
}

export function createClient(options: HttpOptions): Client {
  const http = createHttp(options);
  const isSetUp: Client['isSetUp'] = async () => {
    const answer = await http.json('GET', '/api/v1/setup');
    if (!isPlainObject(answer) || typeof answer['done'] !== 'boolean') throw unexpected('the state of set-up', answer);
    return answer['done'];
  };
  const request: Client['request'] = (method, at, options) => http.json(method, `/api/v1/${at}`, options);
  return { url: http.url, request, isSetUp, ...flowCalls(http), ...executionCalls(http), ...followCalls(http) };
}

const path = (...segments: readonly string[]): string =>
  `/api/v1/${[TENANT, ...segments].map(encodeURIComponent).join('/')}`;

const YAML = 'application/x-yaml';

function flowCalls(http: Http): Pick<Client, 'findFlow' | 'saveFlow' | 'deleteFlow' | 'searchFlows'> {
  const findFlow: Client['findFlow'] = async ({ namespace, id }) => {
    try {
      return asFlow(await http.json('GET', path('flows', namespace, id), { query: { source: true } }));
    } catch (error) {
      if (error instanceof ServerRefusal && error.status === 404) return undefined;
      throw error;
    }
  };
  return {
    findFlow,
    async saveFlow(name, source) {
      const isKnown = (await findFlow(name)) !== undefined;
      const target = isKnown ? path('flows', name.namespace, name.id) : path('flows');
      return asFlow(await http.json(isKnown ? 'PUT' : 'POST', target, { body: source, contentType: YAML }));
    },
    async deleteFlow({ namespace, id }) {
      await http.json('DELETE', path('flows', namespace, id));
    },
    async searchFlows({ namespace, size }) {
      const query = { size, sort: ['namespace:asc', 'id:asc'], 'filters[namespace][PREFIX]': namespace };
      return asPage(await http.json('GET', path('flows', 'search'), { query }), asFlow);
    },
  };
}

function executionCalls(
  http: Http,
): Omit<
  Client,
  'url' | 'request' | 'isSetUp' | 'findFlow' | 'saveFlow' | 'deleteFlow' | 'searchFlows' | 'follow' | 'followLogs'
> {
  return {
    async startExecution({ namespace, id, inputs, files, labels, revision }) {
      const form = new FormData();
      for (const [name, value] of Object.entries(inputs)) form.append(name, value);
      for (const [name, file] of Object.entries(files)) form.append(name, file.content, file.name);
      const query = { revision, labels: Object.entries(labels).map(([key, value]) => `${key}:${value}`) };
      return asExecution(await http.json('POST', path('executions', namespace, id), { query, body: form }));
    },
    execution: async (id) => asExecution(await http.json('GET', path('executions', id))),
    async searchExecutions({ namespace, flowId, states, size }) {
      const query = {
        size,
        sort: ['state.startDate:desc'],
        'filters[namespace][PREFIX]': namespace,
        'filters[flowId][EQUALS]': flowId,
        'filters[state][IN]': states?.join(','),
      };
      return asPage(await http.json('GET', path('executions', 'search'), { query }), asExecution);
    },
    async killExecution(id) {
      await http.json('DELETE', path('executions', id, 'kill'));
    },
    async logs(id, options = {}) {
      const answer = await http.json('GET', path('logs', id), { query: { ...options } });
      return Array.isArray(answer) ? answer.map(asLog) : [];
    },
    file: (executionId, uri) => http.stream(path('executions', executionId, 'file'), { query: { path: uri } }),
    async fileSize(executionId, uri) {
      const answer = await http.json('GET', path('executions', executionId, 'file', 'metas'), { query: { path: uri } });
      if (!isPlainObject(answer) || typeof answer['size'] !== 'number') throw unexpected('the size of a file', answer);
      return answer['size'];
    },
  };
}

function followCalls(http: Http): Pick<Client, 'follow' | 'followLogs'> {
  return {
    async *follow(id, signal) {
      for await (const { event, id: eventId, data } of http.events(path('executions', id, 'follow'), { signal })) {
        const isEnd = event === 'end' || eventId === 'end';
        const body: unknown = JSON.parse(data);
        // The first event only says that following has begun; its execution is empty.
        if (isPlainObject(body) && body['state'] !== undefined) yield { execution: asExecution(body), isEnd };
        if (isEnd) return;
      }
    },
    async *followLogs(id, signal, filter = {}) {
      const events = http.events(path('logs', id, 'follow'), { signal, query: { ...filter } });
      for await (const { event, id: eventId, data } of events) {
        const body: unknown = JSON.parse(data);
        if (isPlainObject(body) && body['timestamp'] !== undefined) yield asLog(body);
        if (event === 'end' || eventId === 'end') return;
      }
    },
  };
}

// ── the border: what a server answers is checked for the members that this client relies on ──────────────────────────

const unexpected = (what: string, answer: unknown): Error =>
  new Error(`Expected ${what} from the server, but it answered ${(JSON.stringify(answer) ?? 'nothing').slice(0, 200)}`);

function asFlow(answer: unknown): FlowAnswer {
  if (!isPlainObject(answer) || typeof answer['id'] !== 'string' || typeof answer['namespace'] !== 'string') {
    throw unexpected('a flow', answer);
  }
  return answer as unknown as FlowAnswer;
}

function asExecution(answer: unknown): ExecutionAnswer {
  const state = isPlainObject(answer) ? answer['state'] : undefined;
  const current = isPlainObject(state) ? state['current'] : undefined;
  if (!isPlainObject(answer) || typeof answer['id'] !== 'string' || typeof current !== 'string' || !isState(current)) {
    throw unexpected('an execution', answer);
  }
  return answer as unknown as ExecutionAnswer;
}

function asLog(answer: unknown): LogAnswer {
  if (!isPlainObject(answer) || typeof answer['timestamp'] !== 'string') throw unexpected('a log entry', answer);
  return answer as unknown as LogAnswer;
}

function asPage<Row>(answer: unknown, asRow: (row: unknown) => Row): Page<Row> {
  if (!isPlainObject(answer) || !Array.isArray(answer['results']) || typeof answer['total'] !== 'number') {
    throw unexpected('a page of results', answer);
  }
  return { results: answer['results'].map(asRow), total: answer['total'] };
}
