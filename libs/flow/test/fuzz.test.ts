import fc from 'fast-check';
import { formatFault, parseFlow, parseFlows } from '@millrace/flow';
import { catalog, flowWith } from './catalog.js';

const FLOW = flowWith(`labels: {team: a}
inputs:
  - {id: name, type: STRING, defaults: "x"}
  - {id: n, type: INT, min: 1, dependsOn: {inputs: [name], condition: "{{ inputs.name == 'x' }}"}}
variables: {a: &a {level: INFO}}
tasks:
  - id: choose
    type: core.flow.Switch
    value: "{{ inputs.name }}"
    cases:
      a:
        - {id: x, type: core.log.Log, message: "{{ outputs.y.value }}", <<: *a}
  - id: y
    type: core.debug.Return
    format: |
      {% if true %}
        {{ inputs['name'] | upper }}
      {% endif %}
    retry: {type: constant, interval: PT1S, maxAttempts: 3}
outputs: [{id: o, type: STRING, value: '{{ outputs.y.value }}'}]
`);

/** Whatever the text, there is an answer: a definition or faults, each with a place inside the text. */
function expectAnswer(source: string): void {
  for (const parsed of [parseFlow(source, { catalog }), ...parseFlows(source, { catalog })]) {
    expect(parsed.definition === undefined).toBe(parsed.faults.length > 0);
    const lines = source.split(/\r\n|\r|\n/).length;
    for (const fault of [...parsed.faults, ...parsed.warnings, ...parsed.infos]) {
      expect(fault.line).toBeGreaterThanOrEqual(1);
      expect(fault.line).toBeLessThanOrEqual(lines + 1);
      expect(fault.column).toBeGreaterThanOrEqual(1);
      expect(fault.message).toMatch(/[.?]$/);
      formatFault(fault, { file: 'flow.yml', source });
    }
    const places = parsed.faults.map(({ line, column }) => line * 1e6 + column);
    expect(places).toEqual([...places].sort((left, right) => left - right));
  }
}

const RUNS = { numRuns: 120 };

describe('any text', () => {
  it('gets an answer', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectAnswer), RUNS);
  });

  it('made of the characters of YAML and expressions gets an answer', () => {
    const character = fc.constantFrom(
      ...'ab:- \n\t"\'{}[]|>&*!%@#,?~.1',
      '{{',
      '}}',
      '<<: ',
      '---\n',
      '\r\n',
      'id: ',
      'tasks:\n',
      '\u2028',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 80 }), (parts) => expectAnswer(parts.join(''))),
      RUNS,
    );
  });
});

describe('a valid flow with', () => {
  const place = fc.nat({ max: FLOW.length });

  it('a piece cut out gets an answer', () => {
    fc.assert(
      fc.property(place, fc.nat({ max: 60 }), (at, length) =>
        expectAnswer(FLOW.slice(0, at) + FLOW.slice(at + length)),
      ),
      RUNS,
    );
  });

  it('something put in gets an answer', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.constantFrom(
        '*a',
        '&b ',
        '{{',
        '}}',
        '"',
        "'",
        '\t',
        '\n',
        ': ',
        '- ',
        '[',
        '}',
        '!x ',
        '|',
        'null',
        '~',
        '__proto__: 1\n',
        '<<: *a\n',
      ),
    );
    fc.assert(
      fc.property(place, piece, (at, text) => expectAnswer(FLOW.slice(0, at) + text + FLOW.slice(at))),
      RUNS,
    );
  });

  it('lines swapped or doubled gets an answer', () => {
    const lines = FLOW.split('\n');
    const index = fc.nat({ max: lines.length - 1 });
    fc.assert(
      fc.property(index, index, (from, to) => {
        const changed = [...lines];
        changed.splice(to, 0, lines[from] ?? '');
        expectAnswer(changed.join('\n'));
      }),
      RUNS,
    );
  });

  it('any value in place of a value gets an answer', () => {
    const value = fc.json({ maxDepth: 2 });
    const keys = [...FLOW.matchAll(/^( *(?:- )?\w+: ).+$/gm)];
    fc.assert(
      fc.property(fc.nat({ max: keys.length - 1 }), value, (which, json) => {
        const match = keys[which];
        if (match === undefined) return;
        expectAnswer(FLOW.slice(0, match.index) + (match[1] ?? '') + json + FLOW.slice(match.index + match[0].length));
      }),
      RUNS,
    );
  });
});
