import { isPlainObject } from '@millrace/model';
import type { ConfigurationProblem } from './problem.js';
import { writtenPath } from './schema.js';
import type { Setting } from './settings.js';

/** What settings of the index ask of others. */
export function elasticsearchProblems(
  raw: Readonly<Record<string, unknown>>,
  settings: ReadonlyMap<string, Setting>,
): readonly ConfigurationProblem[] {
  return [...missingParts(raw, settings), ...incompleteAccount(settings), ...uselessAuthority(raw, settings)];
}

/** An index is of no use without an address, nor without the log that it is made from. */
function missingParts(
  { repository, queue, elasticsearch }: Readonly<Record<string, unknown>>,
  settings: ReadonlyMap<string, Setting>,
): readonly ConfigurationProblem[] {
  if (!isPlainObject(repository) || repository['type'] !== 'elasticsearch') return [];
  const where = settings.get('repository.type')?.where ?? 'configuration';
  const chosen = "'repository.type' is 'elasticsearch', which needs";
  const problems: ConfigurationProblem[] = [];
  if (isPlainObject(queue) && queue['type'] !== 'kafka') {
    const message = `${chosen} 'queue.type' to be 'kafka': the index is made from Kafka's topics; the embedded database is searched by itself`;
    problems.push({ where, message });
  }
  const nodes = isPlainObject(elasticsearch) ? elasticsearch['nodes'] : undefined;
  if (nodes === undefined || (Array.isArray(nodes) && nodes.length === 0))
    problems.push({ where, message: `${chosen} 'elasticsearch.nodes': addresses such as 'https://localhost:9200'` });
  return problems;
}

function incompleteAccount(settings: ReadonlyMap<string, Setting>): readonly ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const username = settings.get('elasticsearch.username');
  const apiKey = settings.get('elasticsearch.apiKey');
  const password = settings.get('elasticsearch.password') ?? settings.get('elasticsearch.passwordFile');
  if (password !== undefined && username === undefined)
    problems.push({
      where: password.where,
      message: `'${writtenPath(password.path)}' needs 'elasticsearch.username' beside it`,
    });
  if (username !== undefined && password === undefined)
    problems.push({
      where: username.where,
      message: "'elasticsearch.username' needs 'password' or 'password-file' beside it",
    });
  if (apiKey !== undefined && username !== undefined)
    problems.push({
      where: apiKey.where,
      message: `'elasticsearch.api-key' and 'elasticsearch.username' (${username.where}) are two ways to log in: keep one`,
    });
  return problems;
}

/** An authority proves nothing on connections that are not encrypted, and nobody would notice that they are not. */
function uselessAuthority(
  { elasticsearch }: Readonly<Record<string, unknown>>,
  settings: ReadonlyMap<string, Setting>,
): readonly ConfigurationProblem[] {
  const authority = settings.get('elasticsearch.ca');
  const nodes: unknown = isPlainObject(elasticsearch) ? elasticsearch['nodes'] : undefined;
  if (authority === undefined || !Array.isArray(nodes)) return [];
  const plain = nodes.find((node) => typeof node === 'string' && node.startsWith('http://'));
  if (plain === undefined) return [];
  const message = `'elasticsearch.ca' has no effect on '${withoutAccount(String(plain))}', which is not encrypted: write 'https://' in 'elasticsearch.nodes'`;
  return [{ where: authority.where, message }];
}

const withoutAccount = (address: string): string => address.replace(/\/\/[^/@]*@/, '//');
