import { Scope } from '@millrace/authorization';
import type { SearchQuery } from '../src/index.js';
import { createSqlRepository } from '../src/sql/index.js';
import { createCopiedQueue } from './copied-queue.js';
import { createDatabase, START } from './database.js';
import { describeRepository } from './repository-cases.js';

const MAIN = Scope.system('main');
const query = (): SearchQuery => ({ page: 1, size: 100, sort: [], filters: [], now: START });

describeRepository('the embedded database', createDatabase);
describeRepository("a webserver's copy of another queue", createCopiedQueue);

it('a database in which nothing was written answers nothing', async () => {
  const empty = createDatabase();
  for (const table of ['executions', 'task_runs', 'logs', 'metrics']) empty.database.exec(`drop table ${table}`);
  const reading = createSqlRepository({ file: empty.file });
  expect(await reading.execution(MAIN, 'e1')).toBeUndefined();
  expect(await reading.searchExecutions(MAIN, query())).toEqual({ results: [], total: 0 });
  await reading.close();
  await empty.remove();
});

it('a closed repository refuses searches', async () => {
  const database = createDatabase();
  const closed = createSqlRepository({ file: database.file });
  await closed.close();
  await expect(closed.searchExecutions(MAIN, query())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await database.remove();
});
