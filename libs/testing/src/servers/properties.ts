/** How clients may have to show who they are. */
export const SECURITIES = ['none', 'plain', 'scram-sha-512', 'tls'] as const;
export type Security = (typeof SECURITIES)[number];

/** Where a broker listens, on loopback: for clients, for other brokers, for the controllers' quorum. */
export interface BrokerPorts {
  readonly id: number;
  readonly client: number;
  readonly internal: number;
  readonly controller: number;
}

/** What the server.properties of one broker depend on. */
export interface PropertiesOptions {
  readonly self: BrokerPorts;
  readonly all: readonly BrokerPorts[];
  readonly dataFolder: string;
  readonly security: Security;
  readonly account: { readonly username: string; readonly password: string };
  /** Needed with `tls`. */
  readonly keystore?: { readonly file: string; readonly password: string };
  /** Win over ours. */
  readonly more: Readonly<Record<string, string>>;
}

const PROTOCOLS: Readonly<Record<Security, string>> = {
  none: 'PLAINTEXT',
  plain: 'SASL_PLAINTEXT',
  'scram-sha-512': 'SASL_PLAINTEXT',
  tls: 'SSL',
};

/**
 * The server.properties of a broker for tests: on loopback only, small, quick to start, to rebalance, to compact and to
 * notice the loss of another broker.
 * @throws Error when `tls` is wanted and there is no keystore
 */
export function brokerProperties(options: PropertiesOptions): string {
  const { self, all, dataFolder, security, more } = options;
  const copies = String(all.length >= 3 ? 3 : 1);
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(self.id),
    'controller.quorum.voters': all.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(','),
    listeners: `CLIENT://127.0.0.1:${self.client},INTERNAL://127.0.0.1:${self.internal},CONTROLLER://127.0.0.1:${self.controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${self.client},INTERNAL://127.0.0.1:${self.internal}`,
    'listener.security.protocol.map': `CLIENT:${PROTOCOLS[security]},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'log.dirs': dataFolder,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': copies === '3' ? '2' : '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': copies === '3' ? '2' : '1',
    'share.coordinator.state.topic.num.partitions': '4',
    'num.partitions': '4',
    // Only closed segments are compacted. Made smaller still, rolling them would be what a benchmark measures.
    'log.segment.bytes': '16777216',
    'default.replication.factor': copies,
    'min.insync.replicas': copies === '3' ? '2' : '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // A dead owner's open transaction is given up soon after its time-out.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '16777216',
    'log.cleaner.backoff.ms': '1000',
    ...securitySettings(options),
    ...more,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('');
}

/** A backslash begins an escape in such a file, and a line's end ends the value. */
const escaped = (value: string): string =>
  value.replace(/[\\\r\n]/g, (character) => ({ '\r': '\\r', '\n': '\\n' })[character] ?? '\\\\');

function securitySettings({ security, account, keystore }: PropertiesOptions): Record<string, string> {
  const { username, password } = account;
  switch (security) {
    case 'none':
      return {};
    case 'plain':
      return {
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.client.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
      };
    case 'scram-sha-512':
      return {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'listener.name.client.scram-sha-512.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      };
    case 'tls':
      if (keystore === undefined) throw new Error('A broker with TLS needs a keystore');
      return {
        'listener.name.client.ssl.keystore.type': 'PKCS12',
        'listener.name.client.ssl.keystore.location': keystore.file,
        'listener.name.client.ssl.keystore.password': keystore.password,
        'listener.name.client.ssl.key.password': keystore.password,
      };
    default:
      return security satisfies never;
  }
}

/** Log lines on standard output: the readiness of the broker is told there. */
export const LOGGING = `Configuration:
  Appenders:
    Console:
      name: console
      PatternLayout: { pattern: "%d %p %m (%c)%n" }
  Loggers:
    Root: { level: INFO, AppenderRef: [{ ref: console }] }
`;
