import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Metrics, Service } from './contract.js';
import type { Health } from './health.js';

export interface ManagementOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly health: Health;
  readonly metrics: Metrics;
}

export interface ManagementServer extends Service {
  /** Such as `http://127.0.0.1:8081`; known after the start. */
  readonly url: string;
}

const STOP_GRACE_MS = 1_000;

/**
 * Health and figures of a server that has no API: `/health`, `/health/live`, `/health/ready`, `/metrics`. It names no
 * users, flows or executions; whom the figures concern listens on a private address.
 */
export function createManagementServer({ host, port, health, metrics }: ManagementOptions): ManagementServer {
  let url = '';
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(request.url ?? '', response, health, metrics).catch(() => response.destroy());
  });
  return {
    name: 'management',
    failed: new Promise<never>(() => undefined),
    get url() {
      return url;
    },
    async start() {
      url = await listen(server, host, port);
    },
    stop: () =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken; choose another with --port' : error.message;
      reject(new Error(`Health and metrics cannot be served on ${host}:${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (typeof address !== 'object' || address === null) return reject(new Error('The server has no address'));
      resolve(`http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`);
    });
  });
}

async function answer(path: string, response: ServerResponse, health: Health, metrics: Metrics): Promise<void> {
  const state = (up: boolean): void => send(response, up ? 200 : 503, JSON.stringify({ status: up ? 'UP' : 'DOWN' }));
  switch (path.split('?')[0]) {
    case '/health':
      return state(health.live && health.ready);
    case '/health/live':
      return state(health.live);
    case '/health/ready':
      return state(health.ready);
    case '/metrics':
      return send(response, 200, await metrics.render(), 'text/plain; version=0.0.4; charset=utf-8');
    default:
      return send(response, 404, JSON.stringify({ message: 'This server has /health and /metrics only' }));
  }
}

function send(response: ServerResponse, status: number, body: string, type = 'application/json; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
