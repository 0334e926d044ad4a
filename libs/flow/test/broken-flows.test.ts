import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatFault, parseFlow, parseFlows } from '@millrace/flow';
import { catalog, flowWith, HELLO, parse } from './catalog.js';

interface BrokenFlow {
  readonly title: string;
  readonly source: string;
  readonly faults: readonly string[];
}

/** `### title`, the YAML, then for each fault `>>> line:column path` and the sentence on the next line. */
function readFixture(): readonly BrokenFlow[] {
  const text = readFileSync(join(__dirname, 'fixtures/broken-flows.txt'), 'utf8');
  return text
    .split(/^### /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...faults] = block.split(/^>>> /m);
      const [title = '', ...source] = head.split('\n');
      return { title, source: source.join('\n'), faults: faults.map((fault) => fault.trim()) };
    });
}

const BROKEN = readFixture();

describe('a broken flow', () => {
  it('is in the table at least eighty times', () => {
    expect(BROKEN.length).toBeGreaterThanOrEqual(80);
  });

  it.each(BROKEN)('is refused: $title', ({ source, faults }) => {
    const parsed = parse(source);
    const found = parsed.faults.map(({ line, column, path, message }) => `${line}:${column} ${path}\n    ${message}`);
    expect(found).toEqual(faults.map((fault) => fault.replace(/^(\S+)\n/, '$1 \n')));
    expect(parsed.definition).toBeUndefined();
  });

  it.each(BROKEN)('is told in whole sentences without the words of the validator: $title', ({ source }) => {
    for (const { message } of parse(source).faults) {
      expect(message).toMatch(/^[A-Z'].*[.?]$/s);
      expect(message).not.toMatch(/must NOT|must be equal|must match (pattern|format)|instancePath|undefined|\[object/);
    }
  });
});

describe('limits', () => {
  const withLimits = (source: string, limits: Parameters<typeof parseFlow>[1]['limits'] = {}) =>
    parseFlow(source, { catalog, limits }).faults.map(({ path, message }) => [path, message]);

  it('refuses a text that is too large', () => {
    expect(withLimits(flowWith(HELLO), { sourceBytes: 20 })).toEqual([
      ['', 'The text is larger than 20 bytes: split the flow into subflows, or move large texts into namespace files.'],
    ]);
  });

  it('counts the bytes of a text and not its characters', () => {
    const source = flowWith(HELLO) + `description: ${'€'.repeat(30)}\n`;
    expect(withLimits(source, { sourceBytes: source.length + 10 })).toHaveLength(1);
    expect(withLimits(source, { sourceBytes: source.length + 60 })).toEqual([]);
  });

  it('refuses values nested too deeply', () => {
    const source = flowWith(`variables: {a: ${'['.repeat(150)}${']'.repeat(150)}}\n${HELLO}`);
    expect(withLimits(source)).toEqual([['', 'The flow is nested more than 100 levels deep: use fewer levels.']]);
  });

  it('refuses texts that the parser itself gives up on', () => {
    expect(withLimits('['.repeat(50_000))).toEqual([
      ['', 'The text is nested deeper than 200 levels: use fewer levels, and close the brackets that were opened.'],
    ]);
  });

  it('refuses anchors that expand to more than is reasonable', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level++)
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    expect(withLimits(lines.join('\n'))).toEqual([
      ['', 'The flow has more than 100000 values once its anchors are expanded: use fewer aliases or a smaller flow.'],
    ]);
  });

  it.each([
    ['more bytes than a record can hold', `# ${'x'.repeat(400_000)}`, /^The text is larger than 400,000 bytes: /],
    ['very many documents', '---\nid: a\n'.repeat(101), /^The text has more than 100 documents: /],
    ['empty documents without end', '---\n'.repeat(20_000), /^The text has more than 100 documents: /],
    [
      'a list of very many values',
      `x: [${'a,'.repeat(100_000)}a]`,
      /^The text has more than 120,000 words and signs: /,
    ],
    ['very many lines', '- a\n'.repeat(100_000), /^The text has more than 120,000 words and signs: /],
    ['nothing but mistakes', ']'.repeat(200_000), /^The text has more than 120,000 words and signs: /],
  ])('refuses %s', (_, source, message) => {
    const refused = parseFlows(source, { catalog });
    expect(refused.map(({ faults }) => faults.length)).toEqual([1]);
    expect(refused[0]?.faults[0]?.message).toMatch(message);
  });

  it('shows where a text passes the limit of words and signs', () => {
    const [fault] = parseFlow('id: a\nx: [a, b, c]\n', { catalog, limits: { tokens: 16 } }).faults;
    expect(fault).toMatchObject({ line: 2, path: '' });
  });

  it.each([
    ['unknown tags', `x: [${'!z a,'.repeat(1_000)}a]`],
    ['numbers that cannot be stored', `x: [${'.inf,'.repeat(1_000)}1]`],
  ])('tells only the first of very many %s', (_, source) => {
    expect(parse(source).faults.length).toBeLessThanOrEqual(201);
  });

  it('lets a flow of 2,000 tasks pass, which fits into its record', () => {
    const task = (index: number): string =>
      [
        `  - id: task-${index}`,
        '    type: io.kestra.plugin.core.log.Log',
        `    message: "Step ${index} of {{ inputs.name }} at {{ execution.startDate }}"`,
        '    description: Writes what the step before it found',
        '',
      ].join('\n');
    const source = flowWith(
      `inputs: [{id: name, type: STRING}]\ntasks:\n${Array.from({ length: 2_000 }, (_, index) => task(index)).join('')}`,
    );
    const { definition, faults } = parse(source);
    expect(faults).toEqual([]);
    expect(definition?.tasks).toHaveLength(2_000);
    expect(JSON.stringify({ source, definition }).length).toBeLessThan(900_000);
  });

  it('refuses more tasks than a flow may have', () => {
    const tasks = Array.from({ length: 4 }, (_, index) => `  - {id: t${index}, type: core.debug.Return}`).join('\n');
    expect(withLimits(flowWith(`tasks:\n${tasks}\n`), { tasks: 3 })).toEqual([
      ['tasks[3]', 'The flow has more than 3 tasks: split it into subflows.'],
    ]);
  });

  it('says how many faults it leaves out', () => {
    const tasks = Array.from({ length: 5 }, (_, index) => `  - {id: t${index}, type: nothing.Known${index}}`).join(
      '\n',
    );
    const faults = withLimits(flowWith(`tasks:\n${tasks}\n`), { faults: 2 });
    expect(faults).toHaveLength(3);
    expect(faults[2]).toEqual(['', 'There are 3 more faults: correct those above first.']);
  });
});

describe('formatFault', () => {
  it('shows the place, the sentence and the line with a caret', () => {
    const source = flowWith('tasks:\n  - id: hello\n    type: core.log.Log\n    message: on\n');
    const [fault] = parse(source).faults;
    expect(fault && formatFault(fault, { file: 'flows/demo.yml', source })).toBe(
      "flows/demo.yml:6:14: 'message' is a boolean (YAML reads an unquoted on as true) but must be text or a list: put it in quotes.\n" +
        '      message: on\n' +
        '               ^',
    );
  });

  it('keeps tabs before the caret and prints no control characters', () => {
    const shown = formatFault({ line: 1, column: 3, path: '', message: 'No.' }, { file: 'f', source: '\t\u001b[31mx' });
    expect(shown).toBe('f:1:3: No.\n  \t [31mx\n  \t ^');
  });

  it('shows only the part of a long line that matters', () => {
    const shown = formatFault(
      { line: 1, column: 5001, path: '', message: 'No.' },
      { file: 'f', source: `${'x'.repeat(5000)}y` },
    );
    const [, line = '', caret = ''] = shown.split('\n');
    expect(line.length).toBeLessThan(200);
    expect(line[caret.indexOf('^')]).toBe('y');
  });
});

describe('parseFlows', () => {
  it('parses each document with positions in the whole file', () => {
    const source = `${flowWith(HELLO)}---\nid: second\nnamespace: team\ntasks: []\n---\n`;
    const [first, second, ...rest] = parseFlows(source, { catalog });
    expect(rest).toEqual([]);
    expect(first?.definition?.id).toBe('demo');
    expect(second?.faults).toEqual([
      { line: 8, column: 8, path: 'tasks', message: "'tasks' is an empty list: give it at least one item." },
    ]);
  });

  it('refuses a text without any document', () => {
    expect(parseFlows('# nothing\n', { catalog })[0]?.faults).toHaveLength(1);
  });
});
