// `node scripts/partition-benchmark.mjs`: nanoseconds to find the partition of a key, with and without placements. By hand, on a
// quiet machine; rounds take turns, and the quickest of each counts, so that what else runs disturbs all alike.
import { randomBytes } from 'node:crypto';
import { ClusterState, keyOf, newId, placedId } from '../libs/model/dist/index.js';
import { partitionIn, partitionOf } from '../libs/queue/dist/index.js';

const KEYS = 1_000;
const REPEATS = 40;
const ROUNDS = 150;

const keys = Array.from({ length: KEYS }, () => keyOf('main', newId(Date.now(), randomBytes(16))));
const placed = keys.map((key, at) => (at % 2 === 0 ? key : placedId(key, 1)));
const fixed = { partitions: 4 };
const one = { partitions: 4, cluster: new ClusterState(4) };
const two = { partitions: 8, cluster: new ClusterState([4, 8]) };

const cases = {
  'partitionOf, as it was before there were placements': [keys, (key) => partitionOf(key, 4)],
  'partitionIn, topic without placements': [keys, (key) => partitionIn(fixed, key)],
  'partitionIn, one placement': [keys, (key) => partitionIn(one, key)],
  'partitionIn, two placements, old ids': [keys, (key) => partitionIn(two, key)],
  'partitionIn, two placements, half of the ids new': [placed, (key) => partitionIn(two, key)],
};

const least = new Map(Object.keys(cases).map((name) => [name, Infinity]));
let sum = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, [list, find]] of Object.entries(cases)) {
    const start = process.hrtime.bigint();
    for (let repeat = 0; repeat < REPEATS; repeat++) for (const key of list) sum += find(key);
    const nanoseconds = Number(process.hrtime.bigint() - start) / (KEYS * REPEATS);
    least.set(name, Math.min(least.get(name), nanoseconds));
  }
}
for (const [name, nanoseconds] of least) process.stdout.write(`${nanoseconds.toFixed(1).padStart(7)} ns  ${name}\n`);
if (!Number.isFinite(sum)) throw new Error('Nothing was found');
