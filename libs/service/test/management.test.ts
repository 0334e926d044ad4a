import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHealth, createManagementServer, createMetrics, type ManagementServer } from '@millrace/service';

describe('the server of health and figures', () => {
  const health = createHealth();
  const metrics = createMetrics({ process: false });
  let server: ManagementServer;
  beforeAll(async () => {
    server = createManagementServer({ host: '127.0.0.1', port: 0, health, metrics });
    await server.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => health.set({ live: true, ready: true }));

  const status = async (path: string): Promise<number> => (await fetch(`${server.url}${path}`)).status;

  it('tells the port that it has chosen', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it.each([
    [{ live: true, ready: true }, [200, 200, 200]],
    [{ live: true, ready: false }, [503, 200, 503]],
    [{ live: false, ready: false }, [503, 503, 503]],
  ])('with %j answers %j for health, live, ready', async (state, expected) => {
    health.set(state);
    expect([await status('/health'), await status('/health/live'), await status('/health/ready')]).toEqual(expected);
  });

  it('shows figures as Prometheus reads them', async () => {
    metrics.counter('hours_total', 'Hours')();
    const answer = await fetch(`${server.url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await answer.text()).toMatch(/hours_total 1$/m);
  });

  it('has nothing else', async () => {
    expect(await status('/api/v1/main/flows/search')).toBe(404);
    expect(await status('/health/live/more')).toBe(404);
    expect(await status('/health/live?verbose=true')).toBe(200);
  });

  it('says what to do when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const refused = createManagementServer({ host: '127.0.0.1', port, health, metrics });
    await expect(refused.start()).rejects.toThrow(
      `Health and metrics cannot be served on 127.0.0.1:${port}: the port is taken; choose another with --port`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it('stops at once though a connection is kept alive', async () => {
    const second = createManagementServer({ host: '127.0.0.1', port: 0, health, metrics });
    await second.start();
    await (await fetch(`${second.url}/health/live`)).text();
    await second.stop();
    await expect(fetch(`${second.url}/health/live`)).rejects.toThrow();
  });
});
