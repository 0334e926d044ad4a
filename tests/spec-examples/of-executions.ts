import type { Product } from './product.js';
import { formOf, runOf, runsOf, shown } from './product.js';

type Example = readonly [name: string, run: (product: Product) => Promise<void>];

/** Worked examples of the specification about executions, data and what starts them, by their number there. */
export const EXAMPLES_OF_EXECUTIONS: readonly Example[] = [
  [
    '16 Pause with inputs',
    async (product) => {
      const resume = (id: string, parts: Readonly<Record<string, string>>): Promise<Response> =>
        product.send('POST', `/executions/${id}/resume`, formOf(parts));
      const { id } = await product.start('approve');
      expect(runsOf(await product.inState(id, 'PAUSED'))).toHaveLength(1);
      expect((await resume(id, { ok: 'false' })).ok).toBe(true);
      const ended = await product.ended(id);
      expect(ended.state.current).toBe('SUCCESS');
      expect(runOf(ended, 'show').outputs).toMatchObject({ value: 'false' });
      expect((await resume(id, { ok: 'true' })).status).toBe(409);
      const number = await product.start('approve_number');
      await product.inState(number.id, 'PAUSED');
      expect((await resume(number.id, { amount: 'many' })).status).toBe(422);
      expect((await product.execution(number.id)).state.current).toBe('PAUSED');
      expect((await resume(number.id, { amount: '7' })).ok).toBe(true);
      expect(runOf(await product.ended(number.id), 'show').outputs).toMatchObject({ value: '7' });
    },
  ],
  [
    '19 Subflow with typed outputs',
    async (product) => {
      const execution = await product.run('caller');
      expect(runOf(execution, 'out').outputs).toMatchObject({ value: '16' });
      const childId = String(runOf(execution, 'call').outputs?.['executionId']);
      const child = await product.execution(childId);
      expect(child.trigger?.variables).toMatchObject({ executionId: execution.id });
      const correlation = ({ labels }: typeof child): string | undefined =>
        labels.find(({ key }) => key === 'system.correlationId')?.value;
      expect(correlation(child)).toBe(correlation(execution));
      const alone = await product.run('caller_without_waiting');
      expect(Object.keys(runOf(alone, 'call').outputs ?? {})).toEqual(['executionId']);
    },
  ],
  [
    '20 ForEachItem',
    async (product) => {
      const execution = await product.run('items');
      expect(execution.state.current).toBe('SUCCESS');
      expect(runsOf(execution).map(({ taskId }) => taskId)).toEqual([
        'file',
        'batch',
        'batch_split',
        'batch_items',
        'batch_merge',
      ]);
      expect(runOf(execution, 'batch_items').outputs).toMatchObject({
        numberOfBatches: 3,
        iterations: { CREATED: 0, RUNNING: 0, SUCCESS: 3 },
      });
      const children = await product.until(
        () => product.executionsOf('take_file'),
        (found) => found.length === 3,
      );
      const values = await Promise.all(
        children.map(async ({ id }) => runOf(await product.execution(id), 'show').outputs?.['value']),
      );
      expect(values.map(String).sort()).toEqual(['1\n', '2\n', '3\n']);
    },
  ],
  [
    '21 variables and labels set at run time',
    async (product) => {
      const execution = await product.run('vars');
      expect(runOf(execution, 'see').outputs).toMatchObject({ value: '12blue' });
      expect(execution.labels).toContainEqual({ key: 'team', value: 'blue' });
    },
  ],
  [
    '22 KV',
    async (product) => {
      expect(runOf(await product.run('kv'), 'get').outputs).toMatchObject({ value: '6' });
      expect((await product.run('kv_again')).state.current).toBe('FAILED');
    },
  ],
  [
    '23 outputs of a flow',
    async (product) => {
      expect((await product.run('outs')).outputs).toEqual({ n: 3, l: [1, 2] });
      expect((await product.run('outs_failing')).state.current).toBe('FAILED');
    },
  ],
  [
    '24 inputs of many types, dependent inputs',
    async (product) => {
      const plain = await product.run('ins');
      expect(plain.state.current).toBe('SUCCESS');
      expect(plain.inputs).not.toHaveProperty('ticket');
      expect(plain.inputs?.['day'] ?? null).toBeNull();
      expect((await product.ask('ins', { env: 'prod' })).status).toBe(422);
      expect((await product.ask('ins', { n: '11' })).status).toBe(422);
      expect((await product.run('ins', { env: 'prod', ticket: 'AB-1' })).state.current).toBe('SUCCESS');
    },
  ],
  [
    '25 Schedule with conditions',
    async (product) => {
      const row = await product.until(
        async () => {
          const answer = await product.send('GET', '/triggers/demo/sched');
          return ((await answer.json()) as { results?: readonly { nextExecutionDate?: string }[] }).results?.[0];
        },
        (found) => found?.nextExecutionDate !== undefined,
      );
      const next = new Date(String(row?.nextExecutionDate));
      const paris = new Intl.DateTimeFormat('en-GB', {
        timeZone: 'Europe/Paris',
        weekday: 'long',
        hour: '2-digit',
        minute: '2-digit',
      }).format(next);
      expect(paris).toMatch(/Monday.*09:00/);
      expect((await product.run('sched')).state.current).toBe('FAILED');
    },
  ],
  [
    '27 Webhook',
    async (product) => {
      const call = (key: string): Promise<Response> =>
        fetch(`${product.url}/api/v1/main/executions/webhook/demo/hook/${key}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"name":"Al"}',
        });
      const answer = await product.until(
        () => call('s3cret'),
        ({ status }) => status !== 404,
      );
      expect([answer.status, await answer.json()]).toEqual([200, { hello: 'Al' }]);
      expect((await call('wrong')).status).toBe(404);
    },
  ],
  [
    '28 concurrency',
    async (product) => {
      const [first, second] = await Promise.all([product.start('conc'), product.start('conc')]);
      const ended = await Promise.all([product.ended(first.id), product.ended(second.id)]);
      expect(ended.map(({ state }) => state.current)).toEqual(['SUCCESS', 'SUCCESS']);
      const queued = ended.filter(({ state }) => state.histories.some((change) => change.state === 'QUEUED'));
      expect(queued).toHaveLength(1);
      for (const [flowId, state] of [
        ['conc_cancel', 'CANCELLED'],
        ['conc_fail', 'FAILED'],
      ] as const) {
        const holder = await product.start(flowId);
        await product.inState(holder.id, 'RUNNING');
        const refused = await product.run(flowId);
        expect([refused.state.current, runsOf(refused).length]).toEqual([state, 0]);
        expect((await product.ended(holder.id)).state.current).toBe('SUCCESS');
      }
    },
  ],
  [
    '29 SLA',
    async (product) => {
      const execution = await product.run('sla');
      expect([execution.state.current, shown(execution)]).toEqual(['CANCELLED', 's:KILLED']);
      expect(execution.labels).toContainEqual({ key: 'sla', value: 'miss' });
    },
  ],
  [
    '30 checks',
    async (product) => {
      const before = (await product.executionsOf('chk')).length;
      const refused = await product.ask('chk', { n: '0' });
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(await refused.text()).toContain('n must be positive');
      expect(await product.executionsOf('chk')).toHaveLength(before);
      expect((await product.run('chk', { n: '1' })).state.current).toBe('SUCCESS');
      expect((await product.run('chk_fail', { n: '0' })).state.current).toBe('FAILED');
    },
  ],
  [
    '31 cache and plugin defaults',
    async (product) => {
      const execution = await product.run('cached');
      expect((await product.logs(execution.id)).find(({ taskId }) => taskId === 'l')?.level).toBe('WARN');
      await product.run('cached_hit');
      const hit = await product.run('cached_hit');
      expect(runOf(hit, 'id1')).toMatchObject({ state: { current: 'SUCCESS' }, outputs: { value: 'constant' } });
      expect(runOf(hit, 'id1').attempts).toHaveLength(1);
    },
  ],
];
