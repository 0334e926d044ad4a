import type { ClusterState } from '@millrace/model';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const encoder = new TextEncoder();

function bytesOf(key: string): Uint8Array {
  return encoder.encode(key);
}

function mix(word: number): number {
  const mixed = Math.imul(word, MULTIPLIER);
  return Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER);
}

/** Murmur2 of the key's UTF-8 bytes, as Kafka's own tools compute it. */
function murmur2(key: string): number {
  const bytes = bytesOf(key);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length & ~3;
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < whole; at += 4) hash = Math.imul(hash, MULTIPLIER) ^ mix(view.getInt32(at, true));
  if (bytes.length > whole) {
    for (let at = bytes.length - 1; at >= whole; at--) hash ^= view.getUint8(at) << (8 * (at - whole));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition of a record's key in its topic, whose keys may be placed by execution (protocols.md part 2.4). */
export const partitionIn = (
  { cluster, partitions }: { readonly cluster?: ClusterState; readonly partitions: number },
  key: string,
): number => partitionOf(key, cluster === undefined ? partitions : cluster.partitionsFor(key));

/**
 * The partition of a key, 0 to `partitions` - 1. Computed here and never by a client library, so that all topics with the
 * same count place a key alike, on every adapter.
 */
export const partitionOf = (key: string, partitions: number): number =>
  partitions === 1 ? 0 : (murmur2(key) & 0x7fffffff) % partitions;
