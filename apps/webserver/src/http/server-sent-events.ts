import type { Clock } from '@millrace/model';
import { drained } from './drained.js';
import type { Call } from './route.js';

/** Comments that keep proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;

/** When clients of a server that stops should connect again, in milliseconds. */
const RECONNECT_MS = 500;

/** How long a client may leave what was sent to it unread before its stream is closed. */
const STALLED_MS = 30_000;

/** One open stream of server-sent events. */
export interface EventStream {
  /** Aborted when the client is gone or the stream was closed. */
  readonly signal: AbortSignal;
  /** Sends an event; `id` tells clients what it is (`start`, `progress`, `end`). */
  send(id: string, data: unknown): void;
  /** Resolves as soon as the client has taken what was sent; at once when it keeps up, or is gone. */
  drained(): Promise<void>;
  /** Ends the stream after what was sent. Idempotent. */
  close(): void;
}

/** Turns the answer of a call into a stream of events. */
export function openEventStream({ request, response, stopping }: Call, clock: Clock): EventStream {
  const gone = new AbortController();
  let stopStall = (): void => undefined;
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // Reverse proxies would otherwise collect the events.
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  let stopHeartbeat = (): void => undefined;
  const beat = (): void => {
    stopHeartbeat = clock.after(HEARTBEAT_MS, () => {
      if (!response.writableNeedDrain) write(': heartbeat\n\n');
      beat();
    });
  };
  const end = (): void => {
    stopping.removeEventListener('abort', stop);
    stopHeartbeat();
    stopStall();
    gone.abort();
  };
  const write = (text: string): void => {
    if (gone.signal.aborted || response.writableEnded) return;
    if (response.write(text)) return;
    stopStall();
    // A client that does not read must not keep memory for ever: its connection is cut.
    stopStall = clock.after(STALLED_MS, () => response.destroy());
  };
  const close = (): void => {
    if (!response.writableEnded) response.end();
    end();
  };
  response.on('drain', () => stopStall());
  // Clients that know the standard connect again, to whichever webserver answers then.
  const stop = (): void => {
    write(`retry: ${RECONNECT_MS}\n: the server stops\n\n`);
    close();
  };
  stopping.addEventListener('abort', stop);
  response.once('close', end);
  beat();
  const stream: EventStream = {
    signal: gone.signal,
    send: (id, data) => write(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`),
    drained: () => drained(response),
    close,
  };
  // Express answers HEAD with the handler of GET; there is nothing to follow then.
  if (request.method === 'HEAD' || stopping.aborted) close();
  return stream;
}
