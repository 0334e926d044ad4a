import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { prepareTemporaryDirectory } from '../src/temporary-directory.js';

describe("A worker's folder for working directories", () => {
  it('replaces those of workers that are gone, and leaves all others', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'millrace-temporary-'));
    const host = hostname().replace(/[^\w.-]/g, '_');
    const { pid: gone } = spawnSync('true');
    const kept = [`worker-${host}-${process.pid}-other`, `worker-another.host-${gone}-x`, 'something'];
    for (const name of [...kept, `worker-${host}-${gone}-x`])
      mkdirSync(join(parent, name, 'task-1'), { recursive: true });
    const own = basename(await prepareTemporaryDirectory(parent, 'in-stance/1'));
    expect(readdirSync(parent).sort()).toEqual([...kept, own].sort());
    expect(own).toBe(`worker-${host}-${process.pid}-in_stance_1`);
  });
});
