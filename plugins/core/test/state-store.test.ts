import type { TaskStorage } from '@millrace/plugin-api';
import { openStateStore } from '../src/state-store.js';

/** Files in memory; each call takes a turn of the event loop, so that calls of several writers mix. */
class MemoryStorage implements TaskStorage {
  readonly executionFolder = 'kestra:///ns/flow/executions/e';
  readonly flowStates = 'kestra:///ns/flow/states';
  readonly namespaceStates = 'kestra:///ns/states';
  readonly files = new Map<string, string>();

  async list(uri: string) {
    await turn();
    const names = new Map<string, 'file' | 'directory'>();
    for (const file of this.files.keys()) {
      if (!file.startsWith(`${uri}/`)) continue;
      const [name = '', ...rest] = file.slice(uri.length + 1).split('/');
      names.set(`${uri}/${name}`, rest.length === 0 ? 'file' : 'directory');
    }
    return [...names].sort().map(([name, kind]) => ({ uri: name, kind, size: 0 }));
  }

  async read(uri: string) {
    await turn();
    return this.files.get(uri);
  }

  async write(uri: string, content: string) {
    await turn();
    this.files.set(uri, content);
  }

  async remove(uri: string) {
    await turn();
    return this.files.delete(uri) ? 1 : 0;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a state', () => {
  let storage: MemoryStorage;
  beforeEach(() => (storage = new MemoryStorage()));
  const open = (rest: object = {}) => openStateStore({ storage, ofNamespace: false, name: 's', ...rest });

  it('keeps what many writers lay over it at the same time', async () => {
    const writers = Array.from({ length: 50 }, (_, at) => ({ [`key ${at}`]: at, shared: at }));
    await Promise.all(writers.map((data) => open().merge(data)));
    const state = await open().read();
    for (let at = 0; at < 50; at++) expect(state).toHaveProperty([`key ${at}`], at);
    expect(Object.keys(state ?? {})).toHaveLength(51);
  });

  it('has what came last, and nothing after it was removed', async () => {
    expect(await open().read()).toBeUndefined();
    expect(await open().merge({ a: 1, __proto__x: 2, 'with/slash': [3] })).toBe(3);
    expect(await open().merge({ a: null })).toBe(3);
    expect(await open().read()).toEqual({ a: null, __proto__x: 2, 'with/slash': [3] });
    expect(await open().remove()).toBe(true);
    expect(await open().remove()).toBe(false);
    expect(await open().read()).toBeUndefined();
  });

  it('of a namespace, a flow and a loop value are apart', async () => {
    await open().merge({ of: 'flow' });
    await open({ ofNamespace: true }).merge({ of: 'namespace' });
    await open({ value: '../../x' }).merge({ of: 'value' });
    expect(await open().read()).toEqual({ of: 'flow' });
    expect(await open({ ofNamespace: true }).read()).toEqual({ of: 'namespace' });
    expect(await open({ value: '../../x' }).read()).toEqual({ of: 'value' });
    for (const uri of storage.files.keys())
      expect(uri).toMatch(/^kestra:\/\/\/ns\/(flow\/)?states\/s\/[0-9a-f./json]+$/);
    await open().remove();
    expect(await open({ value: '../../x' }).read()).toEqual({ of: 'value' });
  });

  it('has a limit', async () => {
    await expect(open().merge({ large: 'x'.repeat(300_000) })).rejects.toThrow('keep large data in files');
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`k${at}`, at]));
    await expect(open().merge(many)).rejects.toThrow('at most 1000 are kept');
    expect(storage.files.size).toBe(0);
  });
});
