import {
  renderDeepAsync,
  renderDeepTypedAsync,
  renderStringAsync,
  renderTypedAsync,
  variablesOf,
  type AsyncEnvironment,
} from '../src/index.js';
import { anEnvironment } from './rendering.js';

type Answer = (name: string, args: readonly unknown[], named: Readonly<Record<string, unknown>>) => unknown;

function anAsyncEnvironment(answer: Answer): { environment: AsyncEnvironment; calls: string[] } {
  const calls: string[] = [];
  const host = {
    call: async (
      name: string,
      args: readonly unknown[],
      named: Readonly<Record<string, unknown>>,
    ): Promise<unknown> => {
      calls.push(`${name}(${args.join()})`);
      await Promise.resolve();
      return answer(name, args, named);
    },
  };
  return { environment: { ...anEnvironment(), host }, calls };
}

const none = variablesOf({ key: 'k', template: "{{ secret('inner') }}" });

describe('asynchronous rendering', () => {
  it('awaits what the host answers, each call once', async () => {
    const { environment, calls } = anAsyncEnvironment((name, args) => `${name}-${String(args[0])}`);
    const template =
      "{{ secret('a') }} {{ kv(key) ?? 'x' }} {{ secret('a') | upper }}{% if fileExists('f') %}!{% endif %}";
    expect(await renderStringAsync(template, none, environment)).toBe('secret-a kv-k SECRET-A!');
    expect(calls).toEqual(['secret(a)', 'kv(k)', 'fileExists(f)']);
  });

  it('needs no host where none is asked', async () => {
    const { environment, calls } = anAsyncEnvironment(() => 1);
    expect(await renderStringAsync('{{ key }}', none, environment)).toBe('k');
    expect(await renderStringAsync('plain', none, environment)).toBe('plain');
    expect(calls).toEqual([]);
  });

  it('distinguishes named arguments', async () => {
    const { environment, calls } = anAsyncEnvironment((_name, _args, named) => named['namespace'] ?? 'own');
    expect(await renderStringAsync("{{ kv('a') }}{{ kv('a', namespace='n') }}", none, environment)).toBe('ownn');
    expect(calls).toHaveLength(2);
  });

  it('works inside render()', async () => {
    const { environment } = anAsyncEnvironment((_name, args) => `<${String(args[0])}>`);
    expect(await renderStringAsync('{{ render(template) }}', none, environment)).toBe('<inner>');
  });

  it('keeps random numbers over repeated evaluations', async () => {
    const { environment } = anAsyncEnvironment(() => 'answer');
    const text = await renderStringAsync(
      "{{ nanoId(3, '0123456789') }} {{ secret('a') }} {{ nanoId(3, '0123456789') }}",
      none,
      environment,
    );
    expect(text).toBe('012 answer 345');
  });

  it('renders values deeply, in order', async () => {
    const { environment, calls } = anAsyncEnvironment((_name, args) => ({ n: args[0] }));
    const value = { "{{ kv('k').n }}": ["{{ kv('a').n }}", 1, { b: "{{ kv('b') }}" }], k: 'lost', same: null };
    expect(await renderDeepAsync(value, none, environment)).toEqual({ k: ['a', 1, { b: '{"n":"b"}' }], same: null });
    expect(calls).toEqual(['kv(k)', 'kv(a)', 'kv(b)']);
    expect(await renderDeepTypedAsync(["{{ kv('a') }}", '{{ 1 }}'], none, environment)).toEqual([{ n: 'a' }, 1]);
    expect(await renderTypedAsync("{{ kv('a').n == 'a' }}", none, environment)).toBe(true);
    expect(await renderDeepAsync(['{{ nanoId(2) }}', '{{ nanoId(2) }}'], none, environment)).toHaveLength(2);
  });

  it('reports a failure of the host at its place', async () => {
    const { environment } = anAsyncEnvironment(() => {
      throw new Error('no such secret');
    });
    await expect(renderStringAsync("a\n{{ secret('x') }}", none, environment)).rejects.toMatchObject({
      name: 'ExpressionError',
      kind: 'function',
      reason: 'no such secret',
      line: 2,
    });
  });

  it('limits the calls', async () => {
    const { environment } = anAsyncEnvironment(() => 1);
    const template = '{% for i in 1..20 %}{{ kv(i) }}{% endfor %}';
    const limited = { ...environment, limits: { hostCalls: 10 } };
    await expect(renderStringAsync(template, none, limited)).rejects.toMatchObject({ kind: 'limit' });
    expect(await renderStringAsync(template, none, environment)).toBe('1'.repeat(20));
  });

  it('rejects with errors of the expression itself', async () => {
    const { environment } = anAsyncEnvironment(() => 1);
    await expect(renderStringAsync('{{ missing }}', none, environment)).rejects.toMatchObject({ kind: 'undefined' });
    await expect(renderDeepAsync(['{{ missing'], none, environment)).rejects.toMatchObject({ kind: 'syntax' });
  });
});
