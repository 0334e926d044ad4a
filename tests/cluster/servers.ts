import { missingForKafka } from '../../libs/testing/src/servers/index.js';
import { describeWithServer } from '../../libs/testing/test/with-servers.js';

/** Tests of a started cluster on a real broker. */
export const describeWithKafka = (name: string, tests: () => void): void =>
  describeWithServer(missingForKafka(), name, tests);
