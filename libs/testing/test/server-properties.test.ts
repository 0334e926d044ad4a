import { brokerProperties, type BrokerPorts, type PropertiesOptions } from '../src/servers/properties.js';

const portsOf = (id: number): BrokerPorts => ({
  id,
  client: 100 * id,
  internal: 100 * id + 1,
  controller: 100 * id + 2,
});

function settingsOf(options: Partial<PropertiesOptions> = {}): ReadonlyMap<string, string> {
  const text = brokerProperties({
    self: portsOf(1),
    all: [portsOf(1)],
    dataFolder: '/data',
    security: 'none',
    account: { username: 'millrace', password: 'open-sesame' },
    more: {},
    ...options,
  });
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

describe('the properties of a broker', () => {
  it('make it listen on loopback only, and tell clients of no other address', () => {
    const settings = settingsOf();
    expect(settings.get('listeners')).toBe(
      'CLIENT://127.0.0.1:100,INTERNAL://127.0.0.1:101,CONTROLLER://127.0.0.1:102',
    );
    expect(settings.get('advertised.listeners')).toBe('CLIENT://127.0.0.1:100,INTERNAL://127.0.0.1:101');
  });

  it('keep one copy of everything with one broker', () => {
    const settings = settingsOf();
    expect(settings.get('controller.quorum.voters')).toBe('1@127.0.0.1:102');
    for (const name of [
      'default.replication.factor',
      'offsets.topic.replication.factor',
      'transaction.state.log.replication.factor',
      'transaction.state.log.min.isr',
      'share.coordinator.state.topic.replication.factor',
      'share.coordinator.state.topic.min.isr',
      'min.insync.replicas',
    ])
      expect([name, settings.get(name)]).toEqual([name, '1']);
  });

  it('keep three copies with three, of which two must confirm', () => {
    const settings = settingsOf({ self: portsOf(2), all: [1, 2, 3].map(portsOf) });
    expect(settings.get('node.id')).toBe('2');
    expect(settings.get('controller.quorum.voters')).toBe('1@127.0.0.1:102,2@127.0.0.1:202,3@127.0.0.1:302');
    expect(settings.get('offsets.topic.replication.factor')).toBe('3');
    expect(settings.get('transaction.state.log.min.isr')).toBe('2');
    expect(settings.get('min.insync.replicas')).toBe('2');
  });

  it('give way to those of the caller', () => {
    const settings = settingsOf({ more: { 'num.partitions': '7', 'message.max.bytes': '2048' } });
    expect(settings.get('num.partitions')).toBe('7');
    expect(settings.get('message.max.bytes')).toBe('2048');
  });

  it('are read by Java as they were meant, with backslashes and ends of lines', () => {
    const settings = settingsOf({ more: { one: 'a\\b', two: 'first\nnode.id=9' } });
    expect(settings.get('one')).toBe('a\\\\b');
    expect(settings.get('two')).toBe('first\\nnode.id=9');
    expect(settings.get('node.id')).toBe('1');
  });

  it.each([
    ['none', 'CLIENT:PLAINTEXT'],
    ['plain', 'CLIENT:SASL_PLAINTEXT'],
    ['scram-sha-512', 'CLIENT:SASL_PLAINTEXT'],
    ['tls', 'CLIENT:SSL'],
  ] as const)('ask clients for %s, and brokers among themselves for nothing', (security, protocol) => {
    const settings = settingsOf({ security, keystore: { file: '/keys', password: 'of-keys' } });
    expect(settings.get('listener.security.protocol.map')).toBe(`${protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`);
  });

  it('name the user of PLAIN, and leave that of SCRAM to the formatted data', () => {
    const plain = [...settingsOf({ security: 'plain' }).values()].join('\n');
    const scram = [...settingsOf({ security: 'scram-sha-512' }).values()].join('\n');
    expect(plain).toContain('user_millrace="open-sesame"');
    expect(scram).not.toContain('open-sesame');
  });

  it('cannot be written for TLS without a keystore', () => {
    expect(() => settingsOf({ security: 'tls' })).toThrow('A broker with TLS needs a keystore');
  });
});
