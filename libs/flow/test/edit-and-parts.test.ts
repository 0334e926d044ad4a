import { parsePart, withDisabled } from '@millrace/flow';
import { catalog, parse } from './catalog.js';

const FLOW = 'id: a # mine\nnamespace: team\ntasks:\n  - {id: t, type: core.log.Log, message: hi}\n# end\n';

describe('withDisabled', () => {
  it.each([
    ['a flow that says nothing', FLOW, `disabled: true\n${FLOW}`],
    ['one that says so already', `disabled: true\n${FLOW}`, `disabled: true\n${FLOW}`],
    ['one that says the opposite', `disabled: no # for now\n${FLOW}`, `disabled: true # for now\n${FLOW}`],
    ['one that says nothing of it', `disabled:\n${FLOW}`, `disabled: true\n${FLOW}`],
    ['one after comments and a mark', `# top\n---\n${FLOW}`, `# top\n---\ndisabled: true\n${FLOW}`],
    ['one that is indented', FLOW.replace(/^(?=.)/gm, '  '), `  disabled: true\n${FLOW.replace(/^(?=.)/gm, '  ')}`],
    ['one in braces', '{id: a, namespace: team}', '{disabled: true, id: a, namespace: team}'],
    ['a task that is disabled', `${FLOW}#\n`, `disabled: true\n${FLOW}#\n`],
  ])('disables %s', (_, source, expected) => {
    expect(withDisabled(source, true)).toBe(expected);
  });

  it('gives a flow that is what it was but for that', () => {
    const before = parse(FLOW).definition;
    const disabled = withDisabled(FLOW, true);
    expect(parse(disabled).definition).toEqual({ ...before, disabled: true });
    expect(parse(withDisabled(disabled, false)).definition).toEqual({ ...before, disabled: false });
    expect(withDisabled(FLOW, false)).toBe(FLOW);
  });
});

describe('parsePart', () => {
  const task = (source: string) => parsePart(source, 'tasks', { catalog });

  it('finds faults at their place in the part', () => {
    expect(
      task('id: a\ntype: core.log.Log\nmessage: "{{ x"\nlevl: INFO\n').faults.map(({ line, column, path }) => [
        line,
        column,
        path,
      ]),
    ).toEqual([
      [3, 11, 'message'],
      [4, 1, 'levl'],
    ]);
    expect(task('---\r\nid: a\r\ntype: core.nothing\r\n').faults).toMatchObject([{ line: 3, column: 7, path: 'type' }]);
  });

  it('does not judge what the rest of the flow has, and knows tasks inside and JSON', () => {
    const source = JSON.stringify({
      id: 'a',
      type: 'core.flow.Sequential',
      tasks: [{ id: 'b', type: 'core.debug.Echo', format: '{{ inputs.x }}{{ outputs.y.z }}' }],
    });
    expect(task(source)).toEqual({ faults: [], warnings: [], infos: [], deprecations: ['tasks[0].type'] });
  });

  it('keeps texts of several lines as they are', () => {
    expect(task('id: a\ntype: core.log.Log\nmessage: |\n  one\n\n  two {{ 1 +\n').faults).toMatchObject([{ line: 6 }]);
  });

  it('refuses what is no map', () => {
    expect(task('').faults).not.toEqual([]);
    expect(task('- a\n- b\n').faults).not.toEqual([]);
    expect(parsePart('id: t\ntype: core.trigger.Schedule\n', 'triggers', { catalog }).faults).not.toEqual([]);
  });
});
