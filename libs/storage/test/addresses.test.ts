import { slug } from '@millrace/model';
import {
  executionFileUri,
  executionFolderUri,
  inputFileUri,
  isInside,
  namespaceFilesUri,
  namespaceFileUri,
  triggerFileUri,
} from '../src/index.js';

const execution = { namespace: 'company.team', flowId: 'My_Flow.2', executionId: 'e1' };

describe('Addresses of files', () => {
  it('follow the layout of internal storage', () => {
    const base = 'kestra:///company/team/my-flow2/executions/e1';
    expect(executionFolderUri(execution)).toBe(base);
    expect(executionFileUri({ ...execution, taskId: 'A_Task', taskRunId: 'r', name: 'out/a.csv' })).toBe(
      `${base}/tasks/a-task/r/out/a.csv`,
    );
    expect(inputFileUri({ ...execution, inputId: 'in', name: 'a.csv' })).toBe(`${base}/inputs/in/a.csv`);
    expect(triggerFileUri({ ...execution, triggerId: 'T', name: 'a.csv' })).toBe(`${base}/trigger/t/a.csv`);
    expect(namespaceFileUri({ namespace: 'company.team', path: '/scripts/a.py', version: 2 })).toBe(
      'kestra:///company/team/_files/scripts/a.py.v2',
    );
    expect(namespaceFilesUri('company')).toBe('kestra:///company/_files');
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', '', 'a//b', 'a\0', '%2e%2e/x', 'x'.repeat(256)])(
    'refuse the file name %j',
    (name) => {
      expect(() => executionFileUri({ ...execution, taskId: 't', taskRunId: 'r', name })).toThrow('is not allowed');
    },
  );

  it.each([
    ['Hello World', 'hello-world'],
    ['Ünï_cödé', 'uni-code'],
    ['--a__b--', 'a-b'],
    ['a.b!c', 'abc'],
  ])('have a slug for %s', (text, expected) => {
    expect(slug(text)).toBe(expected);
  });

  it('know what is inside a folder', () => {
    expect(isInside('kestra:///a/b', 'kestra:///a/b/c')).toBe(true);
    for (const uri of ['kestra:///a/bc', 'kestra:///a/b', 'kestra:///a'])
      expect(isInside('kestra:///a/b', uri)).toBe(false);
    expect(() => isInside('kestra:///a', 'kestra:///a/../b')).toThrow('is not allowed');
  });
});
