import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  ConfigurationError,
  configuredAccount,
  loadConfiguration,
  printConfiguration,
  type Configuration,
  type Environment,
  type Setting,
} from '@millrace/service';

describe('the configuration', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-configuration-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const load = (
    given: { yaml?: string; environment?: Environment; flags?: readonly Setting[] } = {},
  ): Configuration => {
    if (given.yaml !== undefined) writeFileSync(join(folder, 'millrace.yml'), given.yaml);
    return loadConfiguration({
      workingDirectory: folder,
      environment: given.environment ?? {},
      flags: given.flags ?? [],
    });
  };
  const refusal = (given: Parameters<typeof load>[0]): string => {
    try {
      load(given);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message;
      throw error;
    }
    throw new Error('Expected the configuration to be refused, but it was accepted');
  };

  it('is complete without any file', () => {
    expect(load()).toEqual({
      data: { path: '.millrace' },
      localFiles: {},
      kv: { purgeExpired: { enabled: true, initialDelay: 3_600_000, fixedDelay: 3_600_000, batchSize: 1_000 } },
      queue: { type: 'sql' },
      kafka: {
        clientId: 'millrace',
        topicPrefix: 'millrace-',
        partitions: 16,
        replicationFactor: 1,
        createTopics: 'create',
        connectionTimeout: 5_000,
        requestTimeout: 10_000,
        consumer: { sessionTimeout: 6_000, rebalanceTimeout: 10_000 },
        ssl: { enabled: false, rejectUnauthorized: true },
        sasl: {},
        topics: {},
      },
      repository: { type: 'sql' },
      elasticsearch: { indexPrefix: 'millrace-', shards: 1, replicas: 1, requestTimeout: 30_000, retention: {} },
      indexer: { batchSize: 1_000, refreshInterval: 500 },
      storage: { type: 'local', local: {} },
      server: { port: 8080, managementPort: 8081, host: '127.0.0.1', terminationGracePeriod: 300_000, basicAuth: {} },
      security: { superAdmin: {} },
      environment: {},
      variables: {
        envVarsPrefix: 'ENV_',
        globals: {},
        redactedEnvVars: [],
        recursiveRendering: false,
        cacheEnabled: true,
        cacheSize: 1000,
      },
      encryption: {},
      templates: { enabled: false },
      worker: { groupKey: 'default' },
      logging: { level: 'info', format: 'auto' },
      metrics: { process: true },
      plugins: { defaults: [] },
    });
  });

  it('takes a flag over the environment over the file over the default', () => {
    const yaml = 'server:\n  port: 1\n  host: file\nlogging: { level: warn }\n';
    const environment = { MILLRACE_SERVER_PORT: '2', MILLRACE_SERVER_HOST: 'environment' };
    const flags = [{ path: ['server', 'port'], value: 3, where: '--port' }];
    const { server, logging } = load({ yaml, environment, flags });
    expect([server.port, server.host, logging.level]).toEqual([3, 'environment', 'warn']);
  });

  it.each([
    ['kebab case', 'storage: { local: { base-path: /files } }', '/files'],
    ['camel case', 'storage: { local: { basePath: /files } }', '/files'],
  ])('reads keys in %s', (_, yaml, expected) => {
    expect(load({ yaml }).storage.local.basePath).toBe(expected);
  });

  it.each(['', '# only a comment\n', 'server:\n'])('takes a file that says nothing: %j', (yaml) => {
    expect(load({ yaml }).server.port).toBe(8080);
  });

  it('knows the reference name of the number of slots', () => {
    expect(load({ yaml: 'worker: { max-num-threads: 7 }' }).worker.slots).toBe(7);
  });

  it('takes a map of any values for the globals', () => {
    expect(load({ yaml: 'variables: { globals: { team: data, sizes: [1, 2] } }' }).variables.globals).toEqual({
      team: 'data',
      sizes: [1, 2],
    });
  });

  it.each([
    ['PT5M', 300_000],
    ['P1DT1.5S', 86_401_500],
    ['30s', 30_000],
    ['250ms', 250],
  ])('reads the duration %s', (text, expected) => {
    expect(load({ yaml: `server: { termination-grace-period: ${text} }` }).server.terminationGracePeriod).toBe(
      expected,
    );
  });

  it.each([
    [
      'a misspelt key',
      'server:\n  prot: 80',
      "millrace.yml:2:3: 'server.prot' is not a configuration key; did you mean 'server.port'?",
    ],
    [
      'a key at the wrong place',
      'port: 80',
      "millrace.yml:1:1: 'port' is not a configuration key; did you mean 'server.port'?",
    ],
    ['a key like nothing', 'zzzzzzzzzz: 1', "millrace.yml:1:1: 'zzzzzzzzzz' is not a configuration key"],
    [
      'a key of the reference',
      'kestra:\n  queue:\n    type: postgres',
      "millrace.yml:1:1: 'kestra.queue.type' is called 'queue.type' here: write it without the prefix 'kestra.'",
    ],
    [
      'a renamed key of the reference',
      'kestra: { worker: { max-num-threads: 3 } }',
      "millrace.yml:1:1: 'kestra.worker.max-num-threads' is called 'worker.slots' here: write it without the prefix 'kestra.'",
    ],
    [
      'a key of the reference that is not here',
      'kestra: { anonymous-usage-report: { enabled: false } }',
      "millrace.yml:1:1: 'kestra.anonymous-usage-report.enabled': keys are written without the prefix 'kestra.' here, and there is no 'anonymous-usage-report.enabled'",
    ],
    [
      'a value of the wrong type',
      'server:\n  port: many',
      `millrace.yml:2:9: 'server.port' must be a whole number, but it is "many"`,
    ],
    [
      'a value out of range',
      'server: { port: 70000 }',
      "millrace.yml:1:17: 'server.port' must be <= 65535, but it is 70000",
    ],
    [
      'an unknown choice',
      'queue: { type: rabbit }',
      `millrace.yml:1:16: 'queue.type' must be 'sql', 'kafka', but it is "rabbit"`,
    ],
    ['an empty value', 'server:\n  port:', `millrace.yml:2:3: 'server.port' must be a whole number, but it is null`],
    [
      'a duration without a unit',
      'server: { termination-grace-period: "5" }',
      `millrace.yml:1:37: 'server.termination-grace-period' must be a duration such as 'PT5M' or '5m', but it is "5"`,
    ],
    [
      'an address without a scheme',
      'url: example.org',
      `millrace.yml:1:6: 'url' must be an address such as 'https://millrace.example.org', but it is "example.org"`,
    ],
    [
      'a password without a user name',
      'server:\n  basic-auth:\n    password: hunter2-hunter2',
      "millrace.yml:3:15: 'server.basic-auth.password' needs 'server.basic-auth.username' beside it",
    ],
  ])('refuses %s', (_, yaml, expected) => {
    expect(refusal({ yaml })).toBe(expected);
  });

  it('says where YAML is broken', () => {
    expect(refusal({ yaml: 'server: [\n' })).toMatch(/^millrace\.yml:\d+:\d+: Not valid YAML: /);
  });

  it('says every problem at once', () => {
    expect(refusal({ yaml: 'prot: 1\nserver: { port: x }' }).split('\n')).toHaveLength(2);
  });

  it('refuses a variable that is not a number, by its name', () => {
    expect(refusal({ environment: { MILLRACE_SERVER_PORT: 'tcp://10.0.0.1:80' } })).toBe(
      "MILLRACE_SERVER_PORT: Expected a whole number, but it is 'tcp://10.0.0.1:80'",
    );
  });

  it('leaves variables alone that it does not know', () => {
    expect(load({ environment: { MILLRACE_SERVICE_HOST: '10.0.0.1' } }).server.host).toBe('127.0.0.1');
  });

  it('refuses a named file that is not there', () => {
    const missing = (): unknown =>
      loadConfiguration({ workingDirectory: folder, file: 'absent.yml', environment: {}, flags: [] });
    expect(missing).toThrow('absent.yml: Cannot read the configuration file: there is no such file');
  });

  it('is frozen to the bottom', () => {
    const configuration = load();
    expect(Object.isFrozen(configuration) && Object.isFrozen(configuration.storage.local)).toBe(true);
  });

  describe('with a password', () => {
    const yaml = 'security:\n  super-admin:\n    username: ada\n    password: correct horse\n';

    it('gives it to whoever asks for the account', () => {
      expect(configuredAccount(load({ yaml }))?.password.reveal()).toBe('correct horse');
    });

    it.each<[string, (configuration: Configuration) => string]>([
      ['JSON', (configuration) => JSON.stringify(configuration)],
      ['inspect', (configuration) => inspect(configuration, { depth: 10, showHidden: true })],
      ['text', (configuration) => String(configuration.security.superAdmin.password)],
      ['the printed configuration', printConfiguration],
    ])('shows only a mask in %s', (_, print) => {
      const text = print(load({ yaml }));
      expect(text).toContain('***');
      expect(text).not.toContain('correct horse');
    });

    it('does not repeat it in an error', () => {
      const message = refusal({
        yaml: `security: { super-admin: { username: ada, password: ${'s3cret'.repeat(50)} } }`,
      });
      expect(message).toContain("'security.super-admin.password' must NOT have more than 256 characters");
      expect(message).not.toContain('s3cret');
    });

    it('refuses a second place for it', () => {
      const twice = `${yaml}    password-file: /dev/null\n`;
      expect(refusal({ yaml: twice })).toContain(
        "'security.super-admin.password-file' and 'security.super-admin.password'",
      );
    });
  });

  it('takes the first line of a password file', () => {
    writeFileSync(join(folder, 'password'), 'from a file\nnot this\n');
    const yaml = `security: { super-admin: { username: ada, password-file: ${join(folder, 'password')} } }`;
    expect(configuredAccount(load({ yaml }))?.password.reveal()).toBe('from a file');
  });

  it('names no account by default', () => {
    expect(configuredAccount(load())).toBeUndefined();
  });

  it('prints itself as a file that gives the same configuration', () => {
    const configuration = load({ yaml: 'server: { port: 1, termination-grace-period: 90s }' });
    const printed = printConfiguration(configuration);
    expect(printed).toContain('termination-grace-period: PT90S');
    expect(load({ yaml: printed })).toEqual(configuration);
  });

  it('reads the defaults of task types, and says where one of them is wrong', () => {
    const yaml = 'plugins:\n  defaults:\n    - {type: core.log, forced: true, values: {level: WARN}}\n';
    expect(load({ yaml }).plugins.defaults).toEqual([{ type: 'core.log', forced: true, values: { level: 'WARN' } }]);
    expect(load({ yaml: printConfiguration(load({ yaml })) }).plugins).toEqual(load({ yaml }).plugins);
    const message = refusal({ yaml: 'plugins:\n  defaults:\n    - {forced: 5}\n' });
    expect(message).toContain("millrace.yml:3:5: 'plugins.defaults.0' needs 'type': add it");
    expect(message).toContain("millrace.yml:3:5: 'plugins.defaults.0.forced' must be true or false, but it is 5");
  });

  it('reads no defaults from a variable', () => {
    expect(load({ environment: { MILLRACE_PLUGINS_DEFAULTS: 'core.log' } }).plugins.defaults).toEqual([]);
  });
});
