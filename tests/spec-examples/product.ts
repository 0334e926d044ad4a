import { readFile } from 'node:fs/promises';
import { ACCOUNT } from '../product/server.js';

/** A task run as the API shows it. */
export interface TaskRunAnswer {
  readonly id: string;
  readonly taskId: string;
  readonly parentTaskRunId?: string;
  readonly value?: string;
  readonly state: { readonly current: string; readonly histories: readonly { state: string; date: string }[] };
  readonly outputs?: Readonly<Record<string, unknown>> | null;
  readonly attempts?: readonly { readonly state: { readonly current: string } }[];
}

/** An execution as the API shows it. */
export interface Execution {
  readonly id: string;
  readonly flowId: string;
  readonly originalId: string;
  readonly state: { readonly current: string; readonly histories: readonly { state: string; date: string }[] };
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly taskRunList?: readonly TaskRunAnswer[];
  readonly metadata?: { readonly attemptNumber: number };
  readonly trigger?: { readonly variables: Readonly<Record<string, unknown>> };
}

const TERMINAL = new Set(['SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'RETRIED']);
/** How long an execution may take to get where it should, against hanging only. */
const LIMIT_MS = 60_000;
const PAUSE_MS = 50;

/** The started product, for the worked examples of the specification: all of them live in the namespace `demo`. */
export class Product {
  readonly #authorization = `Basic ${Buffer.from(ACCOUNT).toString('base64')}`;

  constructor(readonly url: string) {}

  /** Saves every flow of `flows.yml`. */
  async saveFlows(): Promise<void> {
    const text = await readFile('tests/spec-examples/flows.yml', 'utf8');
    for (const flow of text.split(/^---$/m)) {
      const answer = await this.send('POST', '/flows', flow, 'application/x-yaml');
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}\n${flow}`);
    }
  }

  send(method: string, path: string, body?: string | FormData, type?: string): Promise<Response> {
    return fetch(`${this.url}/api/v1/main${path}`, {
      method,
      headers: { authorization: this.#authorization, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Asks for an execution; the answer may be a refusal. */
  ask(flowId: string, inputs: Readonly<Record<string, string>> = {}, namespace = 'demo'): Promise<Response> {
    return this.send('POST', `/executions/${namespace}/${flowId}`, formOf(inputs));
  }

  async start(flowId: string, inputs?: Readonly<Record<string, string>>, namespace?: string): Promise<Execution> {
    const answer = await this.ask(flowId, inputs, namespace);
    if (answer.status !== 200) throw new Error(`'${flowId}' was refused: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Execution;
  }

  /** Runs a flow to its end, `afterExecution` included. */
  async run(flowId: string, inputs?: Readonly<Record<string, string>>, namespace?: string): Promise<Execution> {
    return this.ended((await this.start(flowId, inputs, namespace)).id);
  }

  async execution(id: string): Promise<Execution> {
    const answer = await this.send('GET', `/executions/${id}`);
    if (answer.status !== 200) throw new Error(`No execution ${id}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Execution;
  }

  /** Waits until the execution has ended and none of its task runs is open. */
  ended(id: string, limitMs = LIMIT_MS): Promise<Execution> {
    return this.until(
      () => this.execution(id),
      ({ state, taskRunList = [] }) =>
        TERMINAL.has(state.current) &&
        taskRunList.every((run) => TERMINAL.has(run.state.current) || run.state.current === 'SKIPPED'),
      limitMs,
    );
  }

  inState(id: string, wanted: string): Promise<Execution> {
    return this.until(
      () => this.execution(id),
      ({ state }) => state.current === wanted,
    );
  }

  async until<Value>(read: () => Promise<Value>, holds: (value: Value) => boolean, limitMs = LIMIT_MS): Promise<Value> {
    const giveUpAt = Date.now() + limitMs;
    for (;;) {
      const value = await read();
      if (holds(value)) return value;
      if (Date.now() > giveUpAt) throw new Error(`It did not happen: ${JSON.stringify(value).slice(0, 2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** The newest first; without task runs. */
  async executionsOf(flowId: string): Promise<readonly Execution[]> {
    const answer = await this.send(
      'GET',
      `/executions/search?size=50&sort=state.startDate:desc&filters[flowId][EQUALS]=${flowId}`,
    );
    return ((await answer.json()) as { results: readonly Execution[] }).results;
  }

  async logs(executionId: string): Promise<readonly { taskId?: string; level: string; message: string }[]> {
    const answer = await this.send('GET', `/logs/${executionId}`);
    return (await answer.json()) as readonly { taskId?: string; level: string; message: string }[];
  }
}

export function formOf(parts: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) form.append(name, value);
  if (Object.keys(parts).length === 0) form.append('__none', '');
  return form;
}

export const runsOf = ({ taskRunList = [] }: Execution): readonly TaskRunAnswer[] => taskRunList;

/** The only task run of a task. */
export function runOf(execution: Execution, taskId: string): TaskRunAnswer {
  const found = runsOf(execution).filter((run) => run.taskId === taskId);
  if (found.length !== 1 || !found[0])
    throw new Error(`${found.length} task runs of '${taskId}', and one was expected`);
  return found[0];
}

/** `a:SUCCESS b:FAILED`, in the order in which they were created. */
export const shown = (execution: Execution): string =>
  runsOf(execution)
    .map((run) => `${run.taskId}${run.value === undefined ? '' : `[${run.value}]`}:${run.state.current}`)
    .join(' ');
