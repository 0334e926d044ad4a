import { Agent, request } from 'node:http';
import { ACCOUNT } from './server.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What of an execution the tests look at. */
export interface ExecutionAnswer {
  readonly id: string;
  readonly state: { readonly current: string };
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly taskRunList?: readonly {
    readonly taskId: string;
    readonly value?: string;
    readonly state: { readonly current: string };
    readonly outputs?: Readonly<Record<string, unknown>>;
    readonly attempts?: readonly { readonly state: { readonly current: string } }[];
  }[];
}

/** A REST client that keeps its connections and does as little as it can besides. */
export class ProductClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #authorization: string;

  /** @param account `user:password` */
  constructor(
    readonly url: string,
    account = ACCOUNT,
  ) {
    this.#authorization = `Basic ${Buffer.from(account).toString('base64')}`;
  }

  send(method: string, path: string, body?: { readonly type: string; readonly text: string }): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.url}/api/v1/main${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: this.#authorization,
            accept: 'application/json',
            ...(body ? { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) } : {}),
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body?.text);
    });
  }

  /** Creates a flow, or a new revision of it. */
  async save(yaml: string): Promise<void> {
    const created = await this.send('POST', '/flows', { type: 'application/x-yaml', text: yaml });
    if (created.status < 300) return;
    const id = /^id: (\S+)/m.exec(yaml)?.[1];
    const namespace = /^namespace: (\S+)/m.exec(yaml)?.[1];
    const updated = await this.send('PUT', `/flows/${namespace}/${id}`, { type: 'application/x-yaml', text: yaml });
    if (updated.status >= 300) throw new Error(`The flow was refused: ${created.status} ${created.text}`);
  }

  async start(flowId: string, options: { readonly wait: boolean }): Promise<ExecutionAnswer> {
    const answer = await this.send('POST', `/executions/test/${flowId}?wait=${options.wait}`);
    if (answer.status !== 200) throw new Error(`The execution was refused: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text) as ExecutionAnswer;
  }

  async execution(id: string): Promise<ExecutionAnswer> {
    const answer = await this.send('GET', `/executions/${id}`);
    if (answer.status !== 200) throw new Error(`No execution ${id}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text) as ExecutionAnswer;
  }

  /** The newest execution of a flow, as a list shows it; undefined when there is none. */
  async latest(flowId: string): Promise<ExecutionAnswer | undefined> {
    const answer = await this.send(
      'GET',
      `/executions/search?size=1&sort=state.startDate:desc&filters[flowId][EQUALS]=${flowId}`,
    );
    if (answer.status !== 200) throw new Error(`The search was refused: ${answer.status} ${answer.text}`);
    return (JSON.parse(answer.text) as { results: readonly ExecutionAnswer[] }).results[0];
  }

  close(): void {
    this.#agent.destroy();
  }
}
