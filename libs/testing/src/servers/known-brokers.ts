import { connect } from 'node:net';

const METADATA = 3;
/** The oldest version that can ask for brokers without topics; every broker since 0.10 answers it. */
const METADATA_VERSION = 1;
const CLIENT = 'millrace-servers';
/** A longer answer does not come from three brokers. */
const ANSWER_BYTES_MAX = 65_536;

/**
 * Asks a broker which brokers it knows to be up, by Kafka's own protocol: what tells that it serves requests, where an
 * open port does not.
 * @param port of a listener without encryption and login, on loopback
 * @returns their ids, ascending
 * @throws Error when there is no answer within `timeoutMs`, or none of a broker
 */
export async function knownBrokers(port: number, timeoutMs: number): Promise<readonly number[]> {
  const answer = await exchange(port, metadataRequest(), timeoutMs);
  try {
    return brokersIn(answer);
  } catch (error) {
    throw new Error(`What listens on port ${port} does not answer as a Kafka broker does`, { cause: error });
  }
}

/** Length, kind, version, correlation id, client, and an empty list of topics. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + CLIENT.length + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt32BE(0, 8);
  request.writeInt16BE(CLIENT.length, 12);
  request.write(CLIENT, 14);
  return request;
}

/** One request and its answer, without the length in front. */
function exchange(port: number, request: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`Nobody answered on port ${port} within ${timeoutMs} ms`));
    }, timeoutMs);
    let read = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      const length = read.length < 4 ? ANSWER_BYTES_MAX : read.readInt32BE(0);
      if (read.length < Math.min(4 + length, ANSWER_BYTES_MAX)) return;
      socket.destroy();
      resolve(read.subarray(4));
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`The connection to port ${port} was closed without an answer`));
    });
  });
}

/** Correlation id, then for each broker: id, host, port, rack. */
function brokersIn(answer: Buffer): readonly number[] {
  let at = 4;
  const int32 = (): number => answer.readInt32BE((at += 4) - 4);
  const skipText = (): void => {
    const length = answer.readInt16BE(at);
    at += 2 + Math.max(0, length);
  };
  const ids: number[] = [];
  for (let left = int32(); left > 0; left--) {
    ids.push(int32());
    skipText();
    int32();
    skipText();
  }
  return ids.sort((one, other) => one - other);
}
