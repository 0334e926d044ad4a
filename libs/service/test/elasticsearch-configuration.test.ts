import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigurationError,
  elasticsearchSettings,
  loadConfiguration,
  type ElasticsearchSettings,
} from '@millrace/service';

describe('the configuration of Elasticsearch', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-elasticsearch-configuration-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function load(yaml: string, environment: Readonly<Record<string, string>> = {}): ElasticsearchSettings {
    writeFileSync(join(folder, 'millrace.yml'), yaml);
    return elasticsearchSettings(loadConfiguration({ workingDirectory: folder, environment, flags: [] }));
  }
  function refusal(yaml: string): string {
    try {
      load(yaml);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message;
      throw error;
    }
    throw new Error('Expected the configuration to be refused, but it was accepted');
  }
  const KAFKA = 'queue: {type: kafka}\nkafka: {brokers: [a:9092]}\nrepository: {type: elasticsearch}\n';
  const elasticsearch = (rest: string, nodes = 'nodes: [https://a:9200]'): string =>
    `${KAFKA}elasticsearch:\n  ${nodes}\n${rest}`;

  it('takes nodes as a list, or as one text with commas, and has defaults for the rest', () => {
    expect(load(elasticsearch(''))).toEqual({
      nodes: ['https://a:9200'],
      indexPrefix: 'millrace-',
      shards: 1,
      replicas: 1,
      requestTimeoutMs: 30_000,
      retention: {},
    });
    const environment = { MILLRACE_ELASTICSEARCH_NODES: 'http://a:9200, https://b:9200' };
    expect(load(KAFKA, environment).nodes).toEqual(['http://a:9200', 'https://b:9200']);
  });

  it('reads durations of retention as milliseconds', () => {
    expect(load(elasticsearch('  retention: {executions: P30D, logs: P1D}')).retention).toEqual({
      executions: 30 * 86_400_000,
      logs: 86_400_000,
    });
  });

  it.each([
    [KAFKA, /'repository\.type' is 'elasticsearch', which needs 'elasticsearch\.nodes'/],
    [elasticsearch('', 'nodes: []'), /which needs 'elasticsearch\.nodes'/],
    [
      'repository: {type: elasticsearch}\nelasticsearch: {nodes: [https://a:9200]}',
      /'repository\.type' is 'elasticsearch', which needs 'queue\.type' to be 'kafka'/,
    ],
    [
      elasticsearch('', 'nodes: [a:9200]'),
      /'elasticsearch\.nodes' must list addresses such as 'https:\/\/search-1:9200', but 'a:9200' is none/,
    ],
    [elasticsearch('  username: ada'), /'elasticsearch\.username' needs 'password' or 'password-file' beside it/],
    [elasticsearch('  password: x'), /'elasticsearch\.password' needs 'elasticsearch\.username' beside it/],
    [elasticsearch('  password-file: x'), /'elasticsearch\.password-file' needs 'elasticsearch\.username' beside it/],
    [
      elasticsearch('  username: ada\n  password: x\n  password-file: y'),
      /'elasticsearch\.password-file' and 'elasticsearch\.password' \(millrace\.yml:7:13\) say the same/,
    ],
    [
      elasticsearch('  username: ada\n  password: x\n  api-key: y'),
      /'elasticsearch\.api-key' and 'elasticsearch\.username' \(millrace\.yml:6:13\) are two ways to log in: keep one/,
    ],
    [
      elasticsearch('  username: ada\n  password-file: /nowhere/p'),
      /Cannot read the file of 'elasticsearch\.password-/,
    ],
    [elasticsearch('  ca: /nowhere/ca.pem'), /Cannot read the file of 'elasticsearch\.ca'/],
    [
      elasticsearch('  ca: ca.pem', 'nodes: [http://a:9200]'),
      /'elasticsearch\.ca' has no effect on 'http:\/\/a:9200', which is not encrypted/,
    ],
    [elasticsearch('', "nodes: ['https://:']"), /'elasticsearch\.nodes' lists 'https:\/\/:', which is no address/],
  ])('refuses %j with a sentence', (yaml, message) => {
    expect(refusal(yaml)).toMatch(message);
  });

  it('refuses an account in an address without showing it', () => {
    const message = refusal(elasticsearch('', 'nodes: [https://ada:hush@a:9200]'));
    expect(message).toMatch(/has an account in the address of a:9200: set elasticsearch\.username/);
    expect(message).not.toContain('hush');
  });

  it('reads the authority and the password file, and shows no password', () => {
    const authority = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    writeFileSync(join(folder, 'ca.pem'), authority);
    writeFileSync(join(folder, 'password'), 'hush\n');
    const settings = load(
      elasticsearch(`  username: ada\n  password-file: ${folder}/password\n  ca: ${folder}/ca.pem`),
    );
    expect(settings.certificateAuthority).toBe(authority);
    expect(settings.account?.password.reveal()).toBe('hush');
    expect(JSON.stringify(settings)).not.toContain('hush');
    expect(JSON.stringify(load(elasticsearch('  api-key: hush')))).not.toContain('hush');
  });
});
