import { Type } from '@sinclair/typebox';
import { Duration, Dynamic, MapOf, taskSchema } from '@millrace/model';
import {
  checkProperties,
  createTaskTypeRegistry,
  defineTask,
  isTextProperty,
  parseDuration,
  propertiesLeftAsWritten,
  propertiesToRender,
} from '../src/index.js';

const schema = taskSchema(
  {
    text: Type.Optional(Dynamic(Type.String({ maxLength: 30 }))),
    count: Type.Optional(Type.Integer({ minimum: 0 })),
    ratio: Type.Optional(Type.Number({ maximum: 1 })),
    on: Type.Optional(Type.Boolean()),
    wait: Type.Optional(Duration()),
    day: Type.Optional(Type.String({ format: 'date' })),
    at: Type.Optional(Type.String({ format: 'date-time' })),
    level: Type.Optional(Type.Unsafe<'INFO' | 'WARN'>({ type: 'string', enum: ['INFO', 'WARN'] })),
    list: Type.Optional(Type.Array(Type.Integer(), { maxItems: 3 })),
    map: Type.Optional(MapOf(Type.Integer())),
    either: Type.Optional(Type.Union([Type.Boolean(), Type.Integer(), Type.Array(Type.String())])),
    nested: Type.Optional(
      Type.Object(
        { needed: Type.String(), more: Type.Optional(Type.Object({ n: Type.Integer() })) },
        { additionalProperties: false },
      ),
    ),
    anything: Type.Optional(Type.Unknown()),
  },
  'A task for tests.',
);
const task = defineTask({
  type: 'test.Task',
  aliases: ['io.kestra.core.tasks.Old'],
  kind: 'runnable',
  title: 'For tests.',
  schema,
  run: () => Promise.resolve({}),
  rendersItself: ['anything'],
});

describe('Rendered properties', () => {
  it.each([
    ['text', 'x', 'x'],
    ['text', 5, '5'],
    ['text', true, 'true'],
    ['text', null, ''],
    ['text', { a: [1] }, '{"a":[1]}'],
    ['text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['count', '42', 42],
    ['count', ' 7 ', 7],
    ['count', 3, 3],
    ['ratio', '0.5', 0.5],
    ['ratio', '-1e-3', -0.001],
    ['on', 'true', true],
    ['on', 'FALSE', false],
    ['on', false, false],
    ['wait', 'PT5S', 'PT5S'],
    ['day', '2026-03-31', '2026-03-31'],
    ['at', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['level', 'INFO', 'INFO'],
    ['level', 'warn', 'WARN'],
    ['list', [1, '2'], [1, 2]],
    ['list', '[1, 2]', [1, 2]],
    ['list', '[]', []],
    ['map', { a: '1' }, { a: 1 }],
    ['map', '{"a": 1}', { a: 1 }],
    ['either', true, true],
    ['either', '5', 5],
    ['either', 'true', true],
    ['either', '["a"]', ['a']],
    ['nested', { needed: 1, more: '{"n": "2"}' }, { needed: '1', more: { n: 2 } }],
    ['anything', { a: [null] }, { a: [null] }],
  ])('%s from %j becomes %j', (name, value, expected) => {
    expect(checkProperties(task, { [name]: value })).toEqual({
      ok: true,
      properties: expect.objectContaining({ [name]: expected }),
    });
  });

  it.each([
    [
      'text',
      'x'.repeat(31),
      "Property 'text' must be text of at most 30 characters, but is 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
    ],
    ['count', '1.5', "Property 'count' must be a whole number, but is '1.5'"],
    ['count', -1, "Property 'count' must be at least 0, but is -1"],
    ['count', '', "Property 'count' must be a whole number, but is ''"],
    ['count', '9007199254740993', "Property 'count' must be a whole number, but is '9007199254740993'"],
    ['ratio', 'NaN', "Property 'ratio' must be a number, but is 'NaN'"],
    ['on', 'yes', "Property 'on' must be true or false, but is 'yes'"],
    ['wait', '5 s', "Property 'wait' must be a duration such as PT5S, but is '5 s'"],
    ['day', '31.3.2026', "Property 'day' must be a date such as 2026-03-31, but is '31.3.2026'"],
    ['level', 'LOUD', "Property 'level' must be one of INFO, WARN, but is 'LOUD'"],
    ['list', 'a,b', "Property 'list' must be a list, but is 'a,b'"],
    ['list', [1, 'x'], "Property 'list[1]' must be a whole number, but is 'x'"],
    ['list', [1, 2, 3, 4], "Property 'list' must be a list of at most 3, but is a list"],
    ['map', [1], "Property 'map' must be a map, but is a list"],
    ['map', { a: {} }, "Property 'map.a' must be a whole number, but is a map"],
    [
      'either',
      { a: 1 },
      "Property 'either' must be of another type or value; see the documentation of the task, but is a map",
    ],
    ['nested', {}, "Property 'nested.needed' is required"],
    ['nested', { needed: 'x', other: 1 }, "Property 'nested.other' is unknown here; known are needed, more"],
    ['nested', { needed: 'x', more: { n: 'x' } }, "Property 'nested.more.n' must be a whole number, but is 'x'"],
  ])('%s of %j is refused with a sentence', (name, value, sentence) => {
    expect(checkProperties(task, { [name]: value })).toEqual({ ok: false, errors: [sentence] });
  });

  it('tell all their mistakes, but not endlessly', () => {
    const map = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`k${index}`, 'x']));
    const checked = checkProperties(task, { map });
    expect(checked.ok ? [] : checked.errors).toHaveLength(11);
  });

  it('keep names that JavaScript uses itself as data', () => {
    const anything: unknown = JSON.parse('{"__proto__": {"polluted": 1}}');
    const checked = checkProperties(task, { anything, map: JSON.parse('{"__proto__": 1}') as unknown });
    expect(checked.ok).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('without a value are as if they were not written', () => {
    expect(checkProperties(task, { count: null, on: null, list: null })).toEqual({
      ok: true,
      properties: { id: 'task', type: 'test.Task' },
    });
  });
});

describe('What has to be rendered', () => {
  const written = {
    id: 't',
    type: 'test.Task',
    text: '{{ x }}',
    count: null,
    anything: '{{ y }}',
    timeout: 'PT1S',
    runIf: '{{ z }}',
  };

  it('is what belongs to the type and was given, but not what the task renders itself', () => {
    expect(propertiesToRender(task, written)).toEqual({ text: '{{ x }}' });
    expect(propertiesLeftAsWritten(task, written)).toEqual({ anything: '{{ y }}' });
    expect([isTextProperty(task, 'text'), isTextProperty(task, 'list'), isTextProperty(task, 'none')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('The registry', () => {
  it('finds types by short name, full name and alias, and knows those with children', () => {
    const registry = createTaskTypeRegistry([{ name: 'test', tasks: [task] }]);
    for (const name of ['test.Task', 'io.kestra.plugin.test.Task', 'io.kestra.core.tasks.Old']) {
      expect(registry.find(name)).toBe(task);
      expect(registry.catalog.find(name)).toBe(task);
    }
    expect(registry.find('core.flow.If')).toBeUndefined();
    expect(registry.catalog.find('core.flow.If')?.kind).toBe('flowable');
  });

  it('refuses two types of one name', () => {
    expect(() =>
      createTaskTypeRegistry([
        { name: 'a', tasks: [task] },
        { name: 'b', tasks: [task] },
      ]),
    ).toThrow("Two task types are called 'test.Task'");
  });

  it('refuses a schema whose rules could not be kept', () => {
    const odd = defineTask({
      type: 'test.Odd',
      kind: 'runnable',
      title: '',
      schema: taskSchema({ x: Type.Intersect([Type.String(), Type.String()]) }, ''),
      run: () => Promise.resolve({}),
    });
    expect(() => createTaskTypeRegistry([{ name: 'a', tasks: [odd] }])).toThrow(
      "The schema of task type test.Odd, x uses 'allOf'",
    );
  });
});

describe('A duration', () => {
  it.each([
    ['PT5S', 5_000],
    ['PT0.25S', 250],
    ['PT1M30S', 90_000],
    ['PT2H', 7_200_000],
    ['P1D', 86_400_000],
    ['P1DT1H', 90_000_000],
    ['P2W', 1_209_600_000],
    ['-PT1S', -1_000],
    ['pt1s', 1_000],
    ['P', undefined],
    ['PT', undefined],
    ['P1DT', undefined],
    ['5', undefined],
    ['P1M', undefined],
    ['', undefined],
  ])('%s is %s ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });
});
