import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration, serverVariables, type Environment } from '@millrace/service';

describe('the variables that a server gives to expressions', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-variables-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const variables = (yaml: string, environment: Environment): unknown => {
    writeFileSync(join(folder, 'millrace.yml'), yaml);
    return serverVariables(loadConfiguration({ workingDirectory: folder, environment: {}, flags: [] }), environment);
  };

  it('are the variables with the prefix, without it and in lower case', () => {
    expect(variables('', { ENV_Team: 'data', PATH: '/bin' })).toEqual({
      envs: { team: 'data' },
      globals: {},
      kestra: {},
    });
  });

  it('name the installation', () => {
    const yaml = 'url: https://m.example.org\nenvironment: { name: dev }\nvariables: { globals: { a: 1 } }';
    const kestra = { url: 'https://m.example.org', environment: 'dev' };
    expect(variables(yaml, {})).toEqual({ envs: {}, globals: { a: 1 }, kestra });
  });

  it.each(['M', 'S', 'MILLRACE_', 'SECRET_'])('never hold settings or secrets, with the prefix %s', (prefix) => {
    const environment = { MILLRACE_PASSWORD: 'x', SECRET_KEY: 'y' };
    expect(variables(`variables: { env-vars-prefix: ${prefix} }`, environment)).toMatchObject({ envs: {} });
  });
});
