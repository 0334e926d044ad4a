import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugin as core } from '@millrace/plugin-core';
import { plugin as http } from '@millrace/plugin-http';
import { plugin as script } from '@millrace/plugin-script';
import { createTaskTypeRegistry } from '@millrace/plugin-api';
import { readCases, type TaskCase } from '../every-task/cases.js';
import { declared, usedBy } from '../every-task/coverage.js';
import { NOT_BY_A_CASE } from '../every-task/elsewhere.js';
import { answerForTasks } from '../every-task/http-target.js';
import { startServer, type StartedServer } from '../product/server.js';
import { Product, runsOf, type Execution } from '../spec-examples/product.js';

const { catalog } = createTaskTypeRegistry([core, http, script]);

/** What a flow cannot know before the test has started. */
const withAddresses = (text: string, target: string): string => text.replaceAll('http://target', target);

describe('every task type', () => {
  let data: string;
  let server: StartedServer;
  let product: Product;
  let target: Server;
  let targetUrl: string;

  beforeAll(async () => {
    target = createServer(answerForTasks);
    await new Promise<void>((resolve) => void target.listen(0, '127.0.0.1', resolve));
    targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    data = await mkdtemp(join(tmpdir(), 'millrace-every-task-'));
    server = await startServer({ data });
    product = new Product(server.url);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    target.closeAllConnections();
    await new Promise((resolve) => void target.close(resolve));
    await rm(data, { recursive: true, force: true });
  });

  it('has a case, or a named test elsewhere, for each of its properties and outputs', async () => {
    const used = new Set((await readCases()).flatMap((one) => usedBy(one, catalog)));
    const missing = [...declared(catalog)].filter((name) => !used.has(name) && !(name in NOT_BY_A_CASE));
    expect(missing).toEqual([]);
    const superfluous = Object.keys(NOT_BY_A_CASE).filter((name) => used.has(name) || !declared(catalog).has(name));
    expect(superfluous).toEqual([]);
  });

  it('does what its cases say', async () => {
    const wrong: string[] = [];
    const cases = await readCases();
    // One after the other in each lane: cases of one file may build on each other's data.
    const files = [...new Set(cases.map(({ file }) => file))];
    await Promise.all(
      files.map(async (name) => {
        const lane = cases.filter(({ file }) => file === name);
        for (const one of lane)
          wrong.push(...(await faultsOf(one)).map((fault) => `${one.file}, ${one.name}: ${fault}`));
      }),
    );
    expect(wrong).toEqual([]);
  }, 600_000);

  async function faultsOf(one: TaskCase): Promise<string[]> {
    for (const yaml of one.flows) {
      const answer = await product.send('POST', '/flows', withAddresses(yaml, targetUrl), 'application/x-yaml');
      if (answer.status !== 200) return [`the flow was refused: ${await answer.text()}`];
    }
    const last = one.flows.at(-1) ?? '';
    const flowId = /^id: *(\S+)/m.exec(last)?.[1] ?? '';
    const namespace = /^namespace: *(\S+)/m.exec(last)?.[1];
    const execution = await product.run(flowId, one.inputs, namespace);
    const logs = await product.logs(execution.id);
    const lines = logs.map(({ level, taskId, message }) => `${level} ${taskId ?? ''}: ${message}`);
    return [
      ...(execution.state.current === one.state ? [] : [`it ended ${execution.state.current}: ${lines.join(' | ')}`]),
      ...Object.keys(one.tasks).flatMap((taskId) => faultsOfTask(one, execution, taskId)),
      ...one.logs
        .filter((wanted) => !lines.some((line) => new RegExp(wanted).test(line)))
        .map((wanted) => `no line of the log matches ${wanted}: ${lines.join(' | ')}`),
      ...one.noLogs
        .filter((unwanted) => lines.some((line) => new RegExp(unwanted).test(line)))
        .map((unwanted) => `a line of the log matches ${unwanted}`),
      ...(await missingMetrics(one, execution)),
    ];
  }

  async function missingMetrics(one: TaskCase, { id }: Execution): Promise<string[]> {
    if (one.metrics.length === 0) return [];
    const answer = await product.send('GET', `/metrics/${id}?size=100`);
    const { results } = (await answer.json()) as { results: readonly { name: string }[] };
    return one.metrics
      .filter((wanted) => !results.some(({ name }) => name === wanted))
      .map((wanted) => `no metric '${wanted}'`);
  }
});

function faultsOfTask(one: TaskCase, execution: Execution, taskId: string): string[] {
  const expected = one.tasks[taskId];
  const runs = runsOf(execution).filter((run) => run.taskId === taskId);
  if (!expected) return [];
  if (runs.length === 0 && expected.runs !== 0) return [`'${taskId}' has no task run`];
  const faults: string[] = [];
  const compare = (what: string, actual: unknown, wanted: unknown): void => {
    if (!isAsWanted(actual, wanted)) {
      faults.push(`${what} of '${taskId}' must be ${JSON.stringify(wanted)}, and is ${JSON.stringify(actual)}`);
    }
  };
  if (expected.runs !== undefined) compare('the number of runs', runs.length, expected.runs);
  for (const run of runs) {
    if (expected.state !== undefined) compare('the state', run.state.current, expected.state);
    if (expected.attempts !== undefined) compare('the attempts', run.attempts?.length, expected.attempts);
    for (const [name, wanted] of Object.entries(expected.outputs ?? {}))
      compare(`output '${name}'`, run.outputs?.[name], wanted);
  }
  return faults;
}

function isAsWanted(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'string' && wanted.length > 1 && wanted.startsWith('/') && wanted.endsWith('/')) {
    return new RegExp(wanted.slice(1, -1), 's').test(
      typeof actual === 'string' ? actual : (JSON.stringify(actual) ?? ''),
    );
  }
  return JSON.stringify(sorted(actual)) === JSON.stringify(sorted(wanted));
}

/** Members of maps in one order, so that equal values have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
