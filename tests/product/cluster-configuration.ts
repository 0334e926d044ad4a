import { join } from 'node:path';
import type { ClusterOptions } from './cluster.js';

type Options = Pick<
  ClusterOptions,
  'brokers' | 'elasticsearch' | 'partitions' | 'replicationFactor' | 'retention' | 'sessionTimeout'
>;

/** The millrace.yml that all servers of a cluster share; what they store lies in `folder`. */
export function configurationText(
  { brokers, elasticsearch, partitions = 4, replicationFactor = 1, retention, sessionTimeout = 'PT3S' }: Options,
  folder: string,
  prefix: string,
): string {
  const index =
    elasticsearch === undefined
      ? ''
      : `repository: {type: elasticsearch}
elasticsearch: {nodes: [${elasticsearch.join(', ')}], replicas: 0, index-prefix: ${prefix}}
`;
  return `queue: {type: kafka${retention === undefined ? '' : `, retention: ${retention}`}}
kafka:
  brokers: [${brokers.join(', ')}]
  topic-prefix: ${prefix}
  partitions: ${partitions}
  replication-factor: ${replicationFactor}
  consumer: {session-timeout: ${sessionTimeout}, rebalance-timeout: PT5S}
${index}storage: {local: {base-path: ${JSON.stringify(join(folder, 'storage'))}}}
server: {termination-grace-period: PT10S}
`;
}
