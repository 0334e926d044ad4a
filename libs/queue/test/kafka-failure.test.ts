import { startFailure } from '../src/kafka/failure.js';

/** As the client throws it: its own error around the broker's. */
const protocolError = (type: string): Error => Object.assign(new Error(`said ${type}`), { type });
const secured = { tls: false, sasl: false };

describe('why a server could not start on Kafka', () => {
  it.each([
    ['UNSUPPORTED_VERSION', /version that cannot be used.*Use Kafka 4/],
    ['INVALID_REPLICATION_FACTOR', /fewer brokers than kafka\.replication-factor/],
    ['POLICY_VIOLATION', /kafka\.create-topics to 'verify'/],
    ['INVALID_CONFIG', /check names and values/],
    ['TOPIC_AUTHORIZATION_FAILED', /must be allowed to read, write, describe and create topics/],
    ['GROUP_AUTHORIZATION_FAILED', /must be allowed to read consumer groups/],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', /must be allowed to write and describe transactional ids/],
  ])('%s is one sentence with what to do, and is not tried again', (type, sentence) => {
    const failure = startFailure(
      Object.assign(new Error('wrapped'), { cause: protocolError(type) }),
      'broker:9092',
      secured,
    );
    expect(failure).toMatchObject({ code: 'QUEUE_MISMATCH', retryable: false });
    expect(failure.message).toMatch(sentence);
    expect(failure.message).not.toContain('\n');
  });

  it('is the version when the client finds that a request is missing', () => {
    const thrown = Object.assign(new Error('The Kafka server does not support the requested API version'), {
      name: 'KafkaJSServerDoesNotSupportApiKey',
    });
    expect(startFailure(thrown, 'broker:9092', secured)).toMatchObject({
      code: 'QUEUE_MISMATCH',
      message: expect.stringMatching(/version that cannot be used/),
    });
  });
});
