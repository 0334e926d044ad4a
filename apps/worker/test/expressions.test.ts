import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '@millrace/authorization';
import { decryptText, encryptedValue, isEncryptedValue } from '@millrace/expression';
import type { KeyValue, PlainObject } from '@millrace/model';
import { plugin as http } from '@millrace/plugin-http';
import { environmentSecrets, type ExpressionServices } from '../src/index.js';
import { aJob, startWorker, stopWorkers } from './support.js';

afterEach(stopWorkers);

const KEY = Buffer.alloc(32, 5).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 6).toString('base64');

/** What an expression gives on a worker with these services. */
async function evaluated(expression: string, services: ExpressionServices = {}, variables: PlainObject = {}) {
  const { outcome } = await startWorker({ expressionServices: services, plugins: [http] });
  const values = { value: `{{ ${expression} }}` };
  const { outputs, error } = await outcome({ ...aJob({ type: 'core.output.OutputValues', values }), variables });
  const found: unknown = outputs?.['values'];
  return { value: (found as { readonly value?: unknown } | undefined)?.value, error };
}

function keyValue(namespace: string, key: string, value: unknown, rest: Partial<KeyValue> = {}): KeyValue {
  const times = { createdAt: 0, updatedAt: 0, deleted: false, version: 1 };
  return { tenant: 'main', namespace, key, type: 'JSON', value, ...times, ...rest };
}

describe('kv()', () => {
  const all = [
    keyValue('company.team', 'own', { a: 1 }),
    keyValue('company', 'above', 'from above'),
    keyValue('other', 'foreign', 5),
    keyValue('company.team', 'old', 1, { expiresAt: 1 }),
  ];
  const find = (scope: Scope, namespace: string, key: string) =>
    Promise.resolve(all.find((one) => one.tenant === scope.tenant && one.namespace === namespace && one.key === key));
  const services: ExpressionServices = {
    keyValues: {
      find,
      findInherited: async (scope, namespace, key) =>
        (await find(scope, namespace, key)) ?? (await find(scope, namespace.split('.')[0] ?? '', key)),
    },
  };

  it.each([
    ["kv('own').a", 1],
    ["kv('above')", 'from above'],
    ["kv('foreign', 'other')", 5],
    ["kv(key='foreign', namespace='other')", 5],
    ["kv('none', errorOnMissing=false)", null],
    ["kv('old', 'company.team', false)", null],
    ["kv('none', errorOnMissing=false) ?? 'default'", 'default'],
  ])('%s gives %j', async (expression, expected) => {
    expect((await evaluated(expression, services)).value).toEqual(expected);
  });

  it.each([
    ["kv('none')", "there is no key 'none' in namespace 'company.team' and those above it"],
    ["kv('own', 'other')", "there is no key 'own' in namespace 'other'"],
    ["kv('old')", "the key 'old' in namespace 'company.team' has expired"],
    ['kv(1)', "the argument 'key' must be text"],
    ["kv('none', errorOnMissing='perhaps')", "the argument 'errorOnMissing' must be true or false"],
  ])('%s fails: %s', async (expression, message) => {
    expect((await evaluated(expression, services)).error).toContain(message);
  });
});

describe('encrypted variables', () => {
  const inputs = { token: encryptedValue(KEY, 'e/token', 'plain-text'), list: [{ a: 1 }] };

  it('are read as their text, and masked in logs', async () => {
    const { outcome, queue } = await startWorker({ expressionServices: { encryptionKey: KEY } });
    const job = { ...aJob({ type: 'core.log.Log', message: 'it is {{ inputs.token }}' }), variables: { inputs } };
    expect((await outcome(job)).state).toBe('SUCCESS');
    expect(queue.logs.map(({ message }) => message)).toEqual(['it is ******']);
    expect(JSON.stringify(queue.committed)).not.toContain('plain-text');
  });

  it('stay encrypted for a worker without the key', async () => {
    const { value } = await evaluated('inputs.token.type', {}, { inputs });
    expect(value).toBe('io.kestra.datatype:aes_encrypted');
  });

  it('that were made with another key fail with a sentence', async () => {
    const { error } = await evaluated('inputs.token', { encryptionKey: OTHER_KEY }, { inputs });
    expect(error).toMatch(/cannot be opened: the text cannot be decrypted: it was encrypted with another key/);
  });

  it('are encrypted again in what is found for the inputs of another execution, and only there', async () => {
    const { outcome } = await startWorker({ expressionServices: { encryptionKey: KEY } });
    const expressions = {
      inputs: { token: 'Bearer {{ inputs.token }}', plain: 'x' },
      condition: "{{ inputs.token == 'plain-text' }}",
    };
    const job = {
      ...aJob({ type: 'core.flow.Subflow' }),
      kind: 'evaluate' as const,
      expressions,
      variables: { inputs },
    };
    const { evaluated: found } = await outcome(job);
    const sent = found?.['inputs'] as { readonly token: unknown; readonly plain: unknown };
    expect(isEncryptedValue(sent.token) && decryptText(KEY, sent.token.value)).toBe('Bearer plain-text');
    expect([sent.plain, found?.['condition']]).toEqual(['x', true]);
  });
});

describe('encrypt()', () => {
  it('gives what decrypt() opens, another text each time', async () => {
    const variables = { inputs: { key: KEY } };
    const expression = "[decrypt(inputs.key, encrypt(inputs.key, 'héllo')), encrypt(inputs.key, 'a')]";
    const one = (await evaluated(expression, {}, variables)).value as readonly string[];
    const other = (await evaluated(expression, {}, variables)).value as readonly string[];
    expect([one[0], other[0]]).toEqual(['héllo', 'héllo']);
    expect(one[1]).not.toBe(other[1]);
    expect(decryptText(KEY, one[1] ?? '')).toBe('a');
  });

  it('refuses a key that is none', async () => {
    expect((await evaluated("encrypt('short', 'a')")).error).toMatch(/the key must be base64 of 16, 24 or 32 bytes/);
  });
});

describe('files', () => {
  const file = (namespace: string, path: string, version: number) => ({
    tenant: 'main',
    namespace,
    path,
    version,
    type: 'file' as const,
    size: 1,
    createdAt: 0,
    updatedAt: 0,
    deleted: false,
  });
  const namespaceFiles: ExpressionServices['namespaceFiles'] = {
    find: (_scope, namespace, path, version = 2) =>
      Promise.resolve(path === 'a.txt' && version < 3 ? file(namespace, path, version) : undefined),
    uriOf: ({ namespace, path, version }) =>
      `kestra:///${namespace.replaceAll('.', '/')}/_files/${path}${version > 1 ? `.v${version}` : ''}`,
  };

  it.each([
    ["fileURI('a.txt')", 'kestra:///company/team/_files/a.txt.v2'],
    ["fileURI('a.txt', version=1)", 'kestra:///company/team/_files/a.txt'],
    ["fileURI('a.txt', 'other')", 'kestra:///other/_files/a.txt.v2'],
    ["fileURI('nsfile:///a.txt')", 'kestra:///company/team/_files/a.txt.v2'],
    ["fileURI('nsfile://other/a.txt')", 'kestra:///other/_files/a.txt.v2'],
    ["fileExists('b.txt')", false],
  ])('%s gives %j', async (expression, expected) => {
    expect((await evaluated(expression, { namespaceFiles })).value).toEqual(expected);
  });

  it.each([
    ["fileURI('b.txt')", /there is no file 'b.txt' in namespace 'company.team'/],
    ["fileURI('a.txt', version=3)", /there is no file 'a.txt' in namespace 'company.team', version 3/],
    ["fileURI('kestra:///a/_files/b')", /is a URI already/],
    ["fileURI('a.txt', version='x')", /'version' must be a whole number/],
    ["read('b.txt')", /there is no file 'b.txt'/],
    ['read()', /needs the argument 'path'/],
  ])('%s fails: %s', async (expression, message) => {
    expect((await evaluated(expression, { namespaceFiles })).error).toMatch(message);
  });

  it('of this machine are read below allowed folders only, whatever links lead out', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'allowed-')));
    writeFileSync(join(folder, 'in.txt'), 'inside');
    symlinkSync('/etc/hostname', join(folder, 'link'));
    const services = { localFilePaths: [folder] };
    const of = (expression: string) => evaluated(expression, services);
    expect((await of(`read('file://${folder}/in.txt')`)).value).toBe('inside');
    expect((await of(`fileSize('file://${folder}/in.txt')`)).value).toBe(6);
    expect((await of(`fileExists('file://${folder}/none')`)).value).toBe(false);
    for (const uri of [`file://${folder}/link`, 'file:///etc/hostname', `file://${folder}/../etc/hostname`]) {
      expect((await of(`read('${uri}')`)).error).toMatch(/is no file that this worker may read/);
      expect((await of(`fileExists('${uri}')`)).error).toMatch(/is no file that this worker may read/);
    }
  });
});

describe('other functions of a worker', () => {
  it('randomPort() gives a free port', async () => {
    const { value } = await evaluated('randomPort()');
    expect(value).toBeGreaterThan(1023);
    const server = createServer().listen(Number(value));
    await new Promise((resolve) => server.once('listening', resolve));
    expect((server.address() as AddressInfo).port).toBe(value);
    await new Promise((resolve) => server.close(resolve));
  });

  it('http() is the function of a plugin', async () => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"a":[1]}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect((await evaluated(`http('${uri}').a[0]`)).value).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    const { outcome } = await startWorker({});
    const job = aJob({ type: 'core.log.Log', message: `{{ http('${uri}') }}` });
    expect((await outcome(job)).error).toMatch(/http\(\) is not available on this worker: install the plugin/);
  });

  it('secrets inside a secret are masked too', async () => {
    const token = Buffer.from(JSON.stringify({ user: 'ada', word: 'inner-word' })).toString('base64');
    const secrets = environmentSecrets({ SECRET_TOKEN: token });
    const { outcome, queue } = await startWorker({ secrets });
    await outcome(aJob({ type: 'core.log.Log', message: "{{ secret('token', 'ignored', 'word') }}" }));
    expect(queue.logs.map(({ message }) => message)).toEqual(['******']);
  });

  it('rendering is repeated when it is configured', async () => {
    const variables = { vars: { a: '{{ vars.b }}', b: 'end' } };
    expect((await evaluated('vars.a', {}, variables)).value).toBe('{{ vars.b }}');
    expect((await evaluated('vars.a', { recursive: true }, variables)).value).toBe('end');
  });
});
