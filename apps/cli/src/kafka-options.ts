import type { KafkaQueueOptions } from '@millrace/queue/kafka';
import { kafkaSettings, type Configuration } from '@millrace/service';

/** `kafka.*` as the queue takes it. @throws ConfigurationError when a file cannot be read */
export function kafkaConnectionOf(
  configuration: Configuration,
): Pick<KafkaQueueOptions, 'connection' | 'topicSettings' | 'group'> {
  const { kafka } = configuration;
  const { brokers, tls, sasl, topics } = kafkaSettings(configuration);
  const { passphrase, ...files } = tls ?? { rejectUnauthorized: true };
  return {
    connection: {
      brokers,
      clientId: kafka.clientId,
      connectionTimeoutMs: kafka.connectionTimeout,
      requestTimeoutMs: kafka.requestTimeout,
      ...(tls && { tls: { ...files, ...(passphrase && { passphrase: passphrase.reveal() }) } }),
      ...(sasl && { sasl: { ...sasl, password: () => sasl.password.reveal() } }),
    },
    topicSettings: {
      prefix: kafka.topicPrefix,
      replicationFactor: kafka.replicationFactor,
      create: kafka.createTopics,
      overrides: topics,
    },
    group: {
      sessionTimeoutMs: kafka.consumer.sessionTimeout,
      rebalanceTimeoutMs: kafka.consumer.rebalanceTimeout,
    },
  };
}
