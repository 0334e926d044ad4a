import type { PlainObject } from '@millrace/model';
import { allConditionsHold, type ConditionSubject } from '../src/index.js';

const subject: ConditionSubject = {
  namespace: 'company.team',
  flowId: 'f',
  state: 'FAILED',
  labels: [{ key: 'env', value: 'prod' }],
  retriedAttempts: () => ['FAILED', 'SUCCESS'],
  render: (template) => template.replace('{{ x }}', 'prod'),
};
const holds = (type: string, more: PlainObject = {}): boolean => allConditionsHold([{ type, ...more }], subject);
const current = (name: string): string => `io.kestra.plugin.core.condition.${name}`;

describe('conditions on an execution', () => {
  const cases: readonly (readonly [string, PlainObject, boolean])[] = [
    ['ExecutionStatus', { in: ['FAILED', 'WARNING'] }, true],
    ['ExecutionStatus', { in: ['SUCCESS'] }, false],
    ['ExecutionStatus', { notIn: ['FAILED'] }, false],
    ['ExecutionStatus', {}, true],
    ['ExecutionFlow', { namespace: 'company.team', flowId: 'f' }, true],
    ['ExecutionFlow', { namespace: 'company.team', flowId: 'g' }, false],
    ['ExecutionNamespace', { namespace: 'company.team' }, true],
    ['ExecutionNamespace', { namespace: 'company' }, false],
    ['ExecutionNamespace', { namespace: 'company', prefix: true }, true],
    ['ExecutionNamespace', { namespace: 'company', comparison: 'PREFIX' }, true],
    ['ExecutionNamespace', { namespace: 'team', comparison: 'SUFFIX' }, true],
    ['ExecutionLabels', { labels: { env: '{{ x }}' } }, true],
    ['ExecutionLabels', { labels: [{ key: 'env', value: 'dev' }] }, false],
    ['ExecutionLabels', { labels: { other: 'prod' } }, false],
    ['Expression', { expression: '{{ x }}' }, true],
    ['Expression', { expression: ' false ' }, false],
    ['Expression', { expression: '  ' }, false],
    ['HasRetryAttempt', { in: ['SUCCESS'] }, true],
    ['HasRetryAttempt', { in: ['KILLED'] }, false],
    ['HasRetryAttempt', { notIn: ['FAILED', 'SUCCESS'] }, false],
    ['Not', { conditions: [{ type: current('Expression'), expression: 'false' }] }, true],
    ['Or', { conditions: [{ type: current('Expression'), expression: 'false' }] }, false],
    [
      'Or',
      {
        conditions: [
          { type: current('Expression'), expression: 'false' },
          { type: current('Expression'), expression: 'true' },
        ],
      },
      true,
    ],
  ];

  it.each(cases)('%s %j is %s', (name, more, expected) => {
    expect(holds(current(name), more)).toBe(expected);
  });

  it('may have their old names', () => {
    expect(holds('io.kestra.core.models.conditions.types.ExecutionStatusCondition', { in: ['FAILED'] })).toBe(true);
    expect(holds('io.kestra.core.models.conditions.types.VariableCondition', { expression: 'x' })).toBe(true);
    expect(holds('io.kestra.plugin.core.condition.ExpressionCondition', { expression: 'x' })).toBe(true);
  });

  it('of another type are refused', () => {
    expect(() => holds(current('Weekend'))).toThrow("A condition of type 'io.kestra.plugin.core.condition.Weekend'");
  });
});
