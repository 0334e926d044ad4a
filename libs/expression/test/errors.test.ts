import { ExpressionError } from '../src/index.js';
import { failure, render } from './rendering.js';

const values = {
  inputs: { name: 'bob', my: 1, list: [1, 2] },
  outputs: { extract: { uri: 'u' } },
  nothing: null,
  text: 'hello',
};

describe('errors', () => {
  it.each([
    ['{{ input.name }}', "unable to find 'input' used in the expression; did you mean 'inputs'?", 1, 4],
    ['{{ inputs.nam }}', "unable to find 'inputs.nam' used in the expression; did you mean 'name'?", 1, 10],
    ['{{ inputs["nam"] }}', `unable to find 'inputs["nam"]' used in the expression; did you mean 'name'?`, 1, 10],
    ['{{ inputs.zzz }}', "unable to find 'inputs.zzz' used in the expression", 1, 10],
    ['{{ outputs.extract.rui }}', "'outputs.extract.rui' used in the expression; did you mean 'uri'?", 1, 19],
    ['a\nb {{ 1 }}\n  {{ inputs.zzz }}', "'inputs.zzz'", 3, 12],
    [
      '{{ nothing.a }}',
      "unable to find 'nothing.a' used in the expression: 'nothing' is null, which has no members",
      1,
      11,
    ],
    ['{{ text.size }}', "'text' is text, which has no members", 1, 8],
    ['{{ text[0] }}', "'text' is text", 1, 8],
    ['{{ inputs.list[7] }}', "'inputs.list' is a list, it has 2 elements, counted from 0", 1, 15],
    ['{{ inputs.list[-1] }}', 'it has 2 elements', 1, 15],
    ['{{ inputs.list.size }}', 'it has 2 elements', 1, 15],
    ['{{ inputs.list["x"] }}', 'it has 2 elements', 1, 15],
    ['{{ inputs[text] }}', "'inputs[text]'", 1, 10],
    ['{{ inputs[text ~ 1] }}', "unable to find 'hello1'", 1, 10],
    ['{{ inputs.my-input }}', "did you mean 'inputs'?", 1, 14],
    ['{{ inputs.server-fqn }}', "for a name that contains it write ['…'], as in inputs['my-input']", 1, 10],
    ['{{ zq.zq-fqn }}', "unable to find 'zq'", 1, 4],
  ])('%s: %s', (template, reason, line, column) => {
    const error = failure(template, values);
    expect(error).toMatchObject({ kind: 'undefined', line, column, reason: expect.stringContaining(reason) });
  });

  it('is an Error whose message has reason, place and the line', () => {
    const error = failure('{% if true %}\n  {{ inputs.nam | upper }}\n{% endif %}', values);
    expect(error).toBeInstanceOf(ExpressionError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('ExpressionError');
    expect(error.message).toBe(
      "unable to find 'inputs.nam' used in the expression; did you mean 'name'? (line 2, column 12 of the expression '{{ inputs.nam | upper }}')",
    );
  });

  it('shows only the part of a long line around the place', () => {
    const error = failure(`${'a'.repeat(300)}{{ missing }}${'b'.repeat(300)}`);
    expect(error.message.length).toBeLessThan(250);
    expect(error.message).toContain('…');
    expect(error.column).toBe(304);
  });

  it('tells the place inside a text that render() renders, and inside a macro', () => {
    expect(failure('{{ render(t) }}', { t: 'x\n{{ missing }}' })).toMatchObject({ line: 2, column: 4 });
    expect(failure('{% macro m() %}\n{{ missing }}{% endmacro %}{{ m() }}')).toMatchObject({ line: 2, column: 4 });
  });

  it('tells the place of filters, operators and loops that fail', () => {
    expect(failure("{{ 'a' | abbreviate('x') }}")).toMatchObject({ line: 1, column: 10 });
    expect(failure("{{ 1 +\n 'a' * 2 }}")).toMatchObject({ kind: 'type', line: 2, column: 6 });
    expect(failure('\n{% for x in 5 %}{% endfor %}')).toMatchObject({ kind: 'type', line: 2, column: 4 });
  });

  it('goes on after an error that ?? caught', () => {
    const nested = { t: '{% set a = 1 %}{{ missing }}', x: 5 };
    expect(render('{{ render(t) ?? "caught" }}{{ a ?? x }}', nested)).toBe('caught5');
    expect(render('{% macro m(a) %}{{ missing }}{% endmacro %}{{ m(1) ?? "caught" }}{{ x }}', nested)).toBe('caught5');
    expect(failure('{{ render(t) ?? "caught" }}\n{{ zzz }}', nested)).toMatchObject({ line: 2, column: 4 });
  });

  it('does not hide other errors behind ??', () => {
    expect(failure("{{ (1 / 0) ?? 'x' }}").kind).toBe('type');
    expect(failure("{{ nofunction() ?? 'x' }}").kind).toBe('function');
  });
});
