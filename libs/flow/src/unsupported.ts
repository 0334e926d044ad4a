import { shortType } from '@millrace/model';
import { isTemplate } from './templates.js';

/**
 * What the language has and this version of the engine does not run yet. To ignore it silently would change what a
 * flow does, so it is refused; with a feature comes the deletion of its line. Nothing else knows of these features.
 */
export interface UnsupportedFeature {
  readonly where: 'flow' | 'retry' | 'task' | 'script' | 'flow or task';
  readonly property: string;
  /** Undefined: the property in itself. */
  readonly applies?: (value: unknown) => boolean;
  /** Begins the sentence '… is not supported by this version yet'. */
  readonly what: string;
  readonly advice: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** True for a text that is known before the flow runs and is not one of `words`, whatever their case. */
const isOtherThan =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && !words.includes(value.toUpperCase()) && !isTemplate(value);

const isOtherRunner = (value: unknown): boolean => {
  const type = isObject(value) ? value['type'] : undefined;
  return typeof type === 'string' && !/(^|\.)Process$/.test(shortType(type)) && !isTemplate(type);
};

export const UNSUPPORTED: readonly UnsupportedFeature[] = [
  {
    where: 'script',
    property: 'taskRunner',
    applies: isOtherRunner,
    what: 'A task runner other than the process of the worker',
    advice: 'remove it, or use the type core.runner.Process',
  },
  {
    where: 'script',
    property: 'runner',
    applies: isOtherThan('PROCESS'),
    what: 'A runner other than the process of the worker',
    advice: 'remove it, or write PROCESS',
  },
  {
    where: 'script',
    property: 'targetOS',
    applies: isOtherThan('AUTO', 'LINUX'),
    what: 'A script for another system than Linux',
    advice: 'remove it, or write AUTO or LINUX',
  },
];

/** What is stored but has no effect yet, and without which the flow does the same work: a warning. */
export const WITHOUT_EFFECT: readonly {
  readonly where: 'flow' | 'task';
  readonly property: string;
  readonly applies?: (value: unknown) => boolean;
  readonly sentence: string;
}[] = [];
