import type { IncomingMessage } from 'node:http';
import type { Clock } from '@millrace/model';

/** How much of a refused body is read, and for how long, so that its sender can read why. */
const DISCARD_BYTES_MAX = 16 * 1024 * 1024;
const DISCARD_MS_MAX = 2_000;

/**
 * Reads and drops what is left of a body that nobody wants. Answering before that would close the connection with data
 * on the way, and the client would see a broken connection in place of the reason.
 * @returns true when the body was read to its end; else the connection has to be closed after the answer
 */
export function discardBody(request: IncomingMessage, clock: Clock): Promise<boolean> {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  if (!hasBody || request.complete) return Promise.resolve(true);
  return new Promise((resolve) => {
    let bytes = 0;
    const stopTimer = clock.after(DISCARD_MS_MAX, () => finish(false));
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > DISCARD_BYTES_MAX) finish(false);
    };
    const finish = (complete: boolean): void => {
      stopTimer();
      request.off('data', count);
      resolve(complete);
    };
    request.on('data', count);
    request.once('end', () => finish(true));
    request.once('close', () => finish(request.complete));
    request.resume();
  });
}
