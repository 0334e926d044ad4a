import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Answers like an Elasticsearch node what a healthy one cannot be made to answer. */
export class AnAnsweringServer {
  readonly asked: Asked[] = [];
  /** What a request is answered. */
  answer: (asked: Asked) => Answer = () => ({ status: 200, body: {} });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece) => (body += String(piece)));
      request.on('end', () => {
        const path = (request.url ?? '').replace(/\?.*/, '');
        const asked = { method: request.method ?? '', path: decodeURIComponent(path), body };
        this.asked.push(asked);
        const { status, body: said } = this.answer(asked);
        // Without it clients take it for something else.
        response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
        response.end(JSON.stringify(said));
      });
    });
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}
