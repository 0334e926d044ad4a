import { flowWith, HELLO, parse } from './catalog.js';

const found = (yaml: string) => parse(flowWith(`triggers:\n${yaml}\n${HELLO}`));
const faults = (yaml: string): string[] =>
  found(yaml).faults.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
const warnings = (yaml: string): string[] => found(yaml).warnings.map(({ message }) => message);

const SCHEDULE = 'type: core.trigger.Schedule, cron: "0 9 * * *"';
const P = 'io.kestra.plugin.core';

describe('triggers that are accepted', () => {
  it.each([
    [`  - {id: a, ${SCHEDULE}}`],
    [
      `  - {id: a, type: ${P}.trigger.Schedule, cron: "@daily", timezone: Europe/Paris, inputs: {d: "{{ trigger.date }}", n: 1}, lateMaximumDelay: PT1H, recoverMissedSchedules: LAST}`,
    ],
    [
      '  - {id: a, type: core.trigger.Schedule, cron: "*/5 * * * * *", withSeconds: true, disabled: true, stopAfter: [FAILED], allowConcurrent: true}',
    ],
    [
      `  - {id: a, ${SCHEDULE}, labels: {team: "{{ flow.id }}"}, description: "**x** {{", logLevel: WARN, logToFile: true, failOnTriggerError: true, workerGroup: {key: default}}`,
    ],
    [
      `  - {id: a, ${SCHEDULE}, conditions: [{type: ${P}.condition.DayWeek, dayOfWeek: MONDAY}, {type: core.condition.Not, conditions: [{type: core.condition.Weekend}]}]}`,
    ],
    [
      `  - {id: a, ${SCHEDULE}, conditions: [{type: core.condition.TimeBetween, after: "16:19:12+02:00", before: "20:00:00Z"}, {type: core.condition.DateTimeBetween, after: "2024-01-01T00:00:00Z"}]}`,
    ],
    [
      `  - {id: a, ${SCHEDULE}, conditions: [{type: core.condition.PublicHoliday, country: FR}, {type: core.condition.DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: FIRST}]}`,
    ],
    [
      '  - {id: a, type: core.trigger.ScheduleOnDates, dates: ["2024-01-01T00:00:00Z", "{{ vars.day }}"], timezone: UTC}',
    ],
    ['  - {id: a, type: core.trigger.ScheduleOnDates, dates: "{{ vars.days }}"}'],
    [
      '  - {id: a, type: core.trigger.Webhook, key: "{{ flow.id }}", wait: true, returnOutputs: true, responseContentType: text/plain, responseCode: 201}',
    ],
    [
      '  - {id: a, type: core.trigger.Webhook, key: k, responseCode: "{{ outputs.x.code }}", inputs: {a: "{{ trigger.body }}"}}',
    ],
  ])('%s', (yaml) => {
    expect(faults(yaml)).toEqual([]);
    expect(warnings(yaml)).toEqual([]);
  });

  it.each([
    ['io.kestra.core.models.triggers.types.Schedule', 'cron: "@daily"', 'core.trigger.Schedule'],
    ['io.kestra.core.models.triggers.types.Webhook', 'key: k', 'core.trigger.Webhook'],
    [
      'io.kestra.core.models.triggers.types.Flow',
      'conditions: [{type: core.condition.Expression, expression: "true"}]',
      'core.trigger.Flow',
    ],
    ['io.kestra.plugin.fs.http.Trigger', 'uri: "https://example.com"', 'core.http.Trigger'],
  ])('under the old name %s', (old, rest, current) => {
    const { faults: none, infos } = found(`  - {id: a, type: ${old}, ${rest}}`);
    expect(none).toEqual([]);
    expect(infos.map(({ suggestion }) => suggestion)).toContain(current);
  });

  it.each([
    'DateTimeBetween, after: "2024-01-01T00:00:00Z"',
    'DayWeek, dayOfWeek: MONDAY',
    'DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: LAST',
    'ExecutionFlow, namespace: a, flowId: b',
    'ExecutionLabels, labels: {a: b}',
    'ExecutionNamespace, namespace: a, comparison: PREFIX',
    'ExecutionOutputs, expression: "{{ trigger.outputs.x }}"',
    'ExecutionStatus, in: [SUCCESS], notIn: [FAILED]',
    'HasRetryAttempt, in: [FAILED]',
    'Not, conditions: [{type: core.condition.Weekend}]',
    'Or, conditions: [{type: core.condition.Weekend}]',
    'PublicHoliday, country: FR, subDivision: A',
    'TimeBetween, before: "10:00"',
    'Weekend',
  ])('with the condition %s under all its names', (written) => {
    const [name = '', ...rest] = written.split(', ');
    for (const type of [
      `core.condition.${name}`,
      `${P}.condition.${name}`,
      `${P}.condition.${name}Condition`,
      `io.kestra.core.models.conditions.types.${name}Condition`,
    ]) {
      expect(faults(`  - {id: a, ${SCHEDULE}, conditions: [{type: ${[type, ...rest].join(', ')}}]}`)).toEqual([]);
    }
  });

  it.each([
    'core.condition.Expression',
    `${P}.condition.ExpressionCondition`,
    'io.kestra.core.models.conditions.types.VariableCondition',
  ])('with %s', (type) => {
    expect(faults(`  - {id: a, ${SCHEDULE}, conditions: [{type: ${type}, expression: "{{ true }}"}]}`)).toEqual([]);
  });

  it.each(['FlowCondition, namespace: a, flowId: b', 'FlowNamespaceCondition, namespace: a, prefix: true'])(
    'with the deprecated %s',
    (written) => {
      const { faults: none, deprecations } = found(
        `  - {id: a, ${SCHEDULE}, conditions: [{type: ${P}.condition.${written}}]}`,
      );
      expect(none).toEqual([]);
      expect(deprecations).toEqual(['triggers[0].conditions[0].type']);
    },
  );

  it('notes a deprecated place of conditions', () => {
    const { faults: none, deprecations } = found(
      `  - {id: a, ${SCHEDULE}, scheduleConditions: [{type: core.condition.Weekend}]}`,
    );
    expect(none).toEqual([]);
    expect(deprecations).toEqual(['triggers[0].scheduleConditions']);
  });
});

describe('triggers that are stored and not evaluated yet', () => {
  const FLOW = 'type: core.trigger.Flow';

  it.each([
    [
      `${FLOW}, inputs: {a: "{{ trigger.outputs.x }}"}, states: [SUCCESS, PAUSED], conditions: [{type: core.condition.ExecutionFlow, namespace: a, flowId: b}]`,
    ],
    [
      `${FLOW}, preconditions: {id: p, flows: [{namespace: a, flowId: b, states: [SUCCESS], labels: {x: y}}], resetOnSuccess: false}`,
    ],
    [
      `${FLOW}, preconditions: {id: p, where: [{id: w, operand: OR, filters: [{field: FLOW_ID, type: EQUAL_TO, value: x}, {field: STATE, type: IN, values: [FAILED]}, {field: EXPRESSION, type: IS_TRUE, value: "{{ true }}"}]}]}`,
    ],
    ...[
      '{window: PT1H, windowAdvance: PT5M}',
      '{type: DURATION_WINDOW}',
      '{type: SLIDING_WINDOW, window: PT10M}',
      '{type: DAILY_TIME_DEADLINE, deadline: "09:00:00"}',
      '{type: DAILY_TIME_WINDOW, startTime: "06:00:00", endTime: "09:00:00"}',
    ].map((window) => [`${FLOW}, preconditions: {id: p, flows: [{namespace: a}], timeWindow: ${window}}`]),
    [
      `${FLOW}, conditions: [{type: core.condition.MultipleCondition, id: m, window: P1D, conditions: {one: {type: core.condition.ExecutionFlow, namespace: a, flowId: b}}}]`,
    ],
    [
      'type: core.http.Trigger, uri: "https://example.com", interval: PT10S, responseCondition: "{{ response.statusCode == 200 }}", encryptBody: true, method: POST, headers: {a: b}, options: {allowFailed: true}',
    ],
  ])('%s', (rest) => {
    expect(faults(`  - {id: a, ${rest}}`)).toEqual([]);
    expect(warnings(`  - {id: a, ${rest}}`)).toEqual([
      expect.stringMatching(/is stored but not evaluated by this version/),
    ]);
  });

  it('warns of a Flow trigger that every execution would start', () => {
    expect(warnings(`  - {id: a, ${FLOW}}`)).toEqual([
      expect.stringMatching(/neither conditions nor preconditions/),
      expect.stringMatching(/not evaluated/),
    ]);
    expect(warnings(`  - {id: a, ${FLOW}, preconditions: {id: p}}`)).toContainEqual(
      expect.stringMatching(/neither 'flows' nor 'where'/),
    );
  });
});

describe('triggers that are refused', () => {
  it.each([
    [
      '{type: core.trigger.Schedule, cron: "@daily"}',
      "4:5 triggers[0] This trigger lacks the property 'id', which is required: add it.",
    ],
    ['{id: a}', "4:5 triggers[0] The trigger 'a' lacks the property 'type', which is required: add it."],
    [
      '{id: a b, type: core.trigger.Webhook, key: k}',
      "4:10 triggers[0].id 'id' cannot be the text 'a b': use letters, digits, '-' and '_', with a letter or digit first.",
    ],
    [
      '{id: a, type: core.trigger.Shedule, cron: "@daily"}',
      "4:19 triggers[0].type The trigger type 'core.trigger.Shedule' is not known: did you mean core.trigger.Schedule?",
    ],
    [
      '{id: a, type: schedule, cron: "@daily"}',
      "4:19 triggers[0].type The trigger type 'schedule' is not known: did you mean core.trigger.Schedule?",
    ],
    [
      '{id: a, type: core.trigger.Schedule}',
      "4:5 triggers[0] The trigger 'a' lacks the property 'cron', which is required: add it.",
    ],
    [
      '{id: a, type: core.trigger.Schedule, corn: "@daily"}',
      "4:42 triggers[0].corn The property 'corn' is not known for core.trigger.Schedule: did you mean 'cron'?",
    ],
    [
      `{id: a, ${SCHEDULE}, nonsense: 1}`,
      "4:61 triggers[0].nonsense The property 'nonsense' is not known for core.trigger.Schedule: remove it, or use its own allowConcurrent, conditions, cron, failOnTriggerError, inputs, labels, lateMaximumDelay, recoverMissedSchedules, stopAfter, timezone and withSeconds.",
    ],
    [
      '{id: a, type: core.trigger.Schedule, cron: "* * *"}',
      "4:48 triggers[0].cron The cron expression '* * *' has 3 fields but must have 5: minute, hour, day of the month, month, day of the week.",
    ],
    [
      '{id: a, type: core.trigger.Schedule, cron: "* * * * * *"}',
      "4:48 triggers[0].cron The cron expression '* * * * * *' has 6 fields but must have 5: minute, hour, day of the month, month, day of the week; set 'withSeconds: true' if it begins with seconds.",
    ],
    [
      `{id: a, ${SCHEDULE}, timezone: Europe/Pariss}`,
      "4:71 triggers[0].timezone There is no time zone 'Europe/Pariss': did you mean Europe/Paris?",
    ],
    [
      `{id: a, ${SCHEDULE}, recoverMissedSchedules: SOME}`,
      "4:85 triggers[0].recoverMissedSchedules 'recoverMissedSchedules' cannot be 'SOME': write ALL, LAST or NONE.",
    ],
    [
      `{id: a, ${SCHEDULE}, lateMaximumDelay: 5m}`,
      "4:79 triggers[0].lateMaximumDelay 'lateMaximumDelay' is the text '5m', which is not a duration: did you mean PT5M?",
    ],
    [`{id: a, ${SCHEDULE}, stopAfter: [FINE]}`, '4:73 triggers[0].stopAfter[0]'],
    [
      `{id: a, ${SCHEDULE}, labels: {system.x: y}}`,
      "4:70 triggers[0].labels['system.x'] The label 'system.x' is set by the system: choose a key that does not begin with 'system.'.",
    ],
    [
      `{id: a, ${SCHEDULE}, inputs: {a: "{{ x "}}`,
      "4:74 triggers[0].inputs.a The expression cannot be read: this '{{' does not end; close it with '}}'.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.DayWek}]}`,
      "4:81 triggers[0].conditions[0].type The condition type 'core.condition.DayWek' is not known: did you mean core.condition.DayWeek?",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.DayWeek, dayOfWeek: MON}]}`,
      "4:116 triggers[0].conditions[0].dayOfWeek 'dayOfWeek' cannot be 'MON' (did you mean MONDAY?): write MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY or SUNDAY.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{dayOfWeek: MONDAY}]}`,
      "4:74 triggers[0].conditions[0] This condition lacks the property 'type', which is required: add it.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.Or, conditions: [{type: core.condition.Weekend, x: 1}]}]}`,
      "4:144 triggers[0].conditions[0].conditions[0].x The property 'x' is not known for core.condition.Weekend",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.Not}]}`,
      "4:74 triggers[0].conditions[0] The condition core.condition.Not lacks the property 'conditions', which is required: add it.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.TimeBetween}]}`,
      "4:74 triggers[0].conditions[0] This core.condition.TimeBetween has neither 'after' nor 'before': add one of them.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.TimeBetween, after: "25:00"}]}`,
      "4:116 triggers[0].conditions[0].after 'after' is '25:00' but must be a time such as 16:19:12+02:00.",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.DateTimeBetween, before: "monday"}]}`,
      "4:121 triggers[0].conditions[0].before 'before' is 'monday' but must be a date with its zone",
    ],
    [
      `{id: a, ${SCHEDULE}, conditions: [{type: core.condition.MultipleCondition, id: m, conditions: {o: {type: core.condition.Weekend}}}]}`,
      '4:81 triggers[0].conditions[0].type A MultipleCondition is for Flow triggers and cannot be used here: remove it.',
    ],
    [
      '{id: a, type: core.trigger.ScheduleOnDates, dates: [soon]}',
      "4:57 triggers[0].dates[0] 'soon' is no date in ISO-8601: write one such as 2024-01-31T08:00:00+01:00.",
    ],
    [
      '{id: a, type: core.trigger.Webhook}',
      "4:5 triggers[0] The trigger 'a' lacks the property 'key', which is required: add it.",
    ],
    [
      `{id: a, type: core.trigger.Webhook, key: ${'x'.repeat(257)}}`,
      "4:46 triggers[0].key 'key' is longer than 256 characters: shorten it.",
    ],
    [
      '{id: a, type: core.trigger.Webhook, key: k, responseCode: 99}',
      "4:63 triggers[0].responseCode 'responseCode' is the number 99 but must be at least 100: change it.",
    ],
    [
      '{id: a, type: core.trigger.Flow, preconditions: {id: p, flows: [{flowId: x}]}}',
      "4:69 triggers[0].preconditions.flows[0] Item 1 of 'flows' lacks the property 'namespace', which is required: add it.",
    ],
    [
      '{id: a, type: core.trigger.Flow, preconditions: {id: p, where: [{id: w, filters: [{field: STATE, type: IN}]}]}}',
      "4:87 triggers[0].preconditions.where[0].filters[0] A filter of type IN lacks the property 'values', which it needs: add it.",
    ],
    [
      '{id: a, type: core.trigger.Flow, preconditions: {id: p, where: [{id: w, filters: [{field: STATE, type: REGEX, value: "("}]}]}}',
      '4:122 triggers[0].preconditions.where[0].filters[0].value',
    ],
    [
      '{id: a, type: core.trigger.Flow, preconditions: {id: p, where: [{id: w, filters: [{field: STATE, type: EQUAL_TO}]}]}}',
      "4:87 triggers[0].preconditions.where[0].filters[0] A filter of type EQUAL_TO lacks the property 'value', which it needs: add it.",
    ],
  ])('%s', (yaml, expected) => {
    expect(faults(`  - ${yaml}`)).toEqual([expect.stringContaining(expected)]);
  });

  const window = (timeWindow: string): string[] =>
    faults(
      `  - {id: a, type: core.trigger.Flow, preconditions: {id: p, flows: [{namespace: a}], timeWindow: ${timeWindow}}}`,
    );

  it.each([
    [
      '{type: SLIDING_WINDOW, windowAdvance: PT1M}',
      "'windowAdvance' is for windows of type DURATION_WINDOW and not for SLIDING_WINDOW: remove it, or change the type.",
    ],
    [
      '{type: DURATION_WINDOW, deadline: "09:00:00"}',
      "'deadline' is for windows of type DAILY_TIME_DEADLINE and not for DURATION_WINDOW",
    ],
    ['{startTime: "09:00:00"}', "'startTime' is for windows of type DAILY_TIME_WINDOW and not for DURATION_WINDOW"],
    [
      '{type: DAILY_TIME_DEADLINE}',
      "A window of type DAILY_TIME_DEADLINE lacks the property 'deadline', which it needs: add it.",
    ],
    [
      '{type: DAILY_TIME_DEADLINE, deadline: "09:00:00", window: P1D}',
      "'window' is for windows of type DURATION_WINDOW or SLIDING_WINDOW and not for DAILY_TIME_DEADLINE",
    ],
    ['{type: DAILY_TIME_WINDOW, startTime: "09:00:00"}', "lacks the property 'endTime', which it needs: add it."],
    ['{type: DAILY_TIME_WINDOW, startTime: "9", endTime: "10:00"}', "'startTime'"],
    ['{type: NEVER}', "'type' cannot be 'NEVER'"],
  ])('the window %s', (timeWindow, expected) => {
    expect(window(timeWindow)).toEqual([expect.stringContaining(expected)]);
  });

  it('two of one id, and two preconditions of one id', () => {
    const flow = (id: string): string =>
      `  - {id: ${id}, type: core.trigger.Flow, preconditions: {id: p, flows: [{namespace: a}]}}`;
    expect(faults(`${flow('a')}\n${flow('b')}`)).toEqual([
      expect.stringContaining("The preconditions id 'p' is already used on line 4"),
    ]);
    expect(faults(`  - {id: a, ${SCHEDULE}}\n  - {id: a, ${SCHEDULE}}`)).toEqual([
      expect.stringContaining("The trigger id 'a' is already used on line 4"),
    ]);
  });

  it('two parts of preconditions of one id', () => {
    const part = '{id: w, filters: [{field: STATE, type: EQUAL_TO, value: FAILED}]}';
    expect(faults(`  - {id: a, type: core.trigger.Flow, preconditions: {id: p, where: [${part}, ${part}]}}`)).toEqual([
      expect.stringContaining("The where id 'w' is already used"),
    ]);
  });

  it('conditions deep inside each other', () => {
    const deep = (levels: number): string =>
      levels === 0 ? '{type: core.condition.Weekend}' : `{type: core.condition.Not, conditions: [${deep(levels - 1)}]}`;
    expect(faults(`  - {id: a, ${SCHEDULE}, conditions: [${deep(25)}]}`)).toEqual([
      expect.stringContaining('more than 20 conditions inside each other'),
    ]);
  });

  it('warns of a date that never comes, and of outputs nobody waits for', () => {
    expect(warnings('  - {id: a, type: core.trigger.Schedule, cron: "0 0 31 2 *"}')).toEqual([
      expect.stringContaining('it is never due'),
    ]);
    expect(warnings('  - {id: a, type: core.trigger.Webhook, key: k, returnOutputs: true}')).toEqual([
      expect.stringContaining("without 'wait: true'"),
    ]);
  });

  it('takes what plugin defaults say', () => {
    const yaml = `triggers:\n  - {id: a, type: core.trigger.Schedule}\npluginDefaults:\n  - {type: core.trigger.Schedule, values: {cron: "@daily"}}\n${HELLO}`;
    expect(parse(flowWith(yaml)).faults).toEqual([]);
  });
});
