import {
  renderDeepTypedAsync,
  renderStringAsync,
  variablesOf,
  type AsyncEnvironment,
  type AsyncHost,
} from '@millrace/expression';
import type { Clock, PlainObject, TaskDefinition } from '@millrace/model';
import {
  checkProperties,
  isTextProperty,
  propertiesLeftAsWritten,
  propertiesToRender,
  TaskFailure,
  type TaskType,
} from '@millrace/plugin-api';

/** Renders what a job carries, with the job's variables and the functions that only a worker has. */
export interface Renderer {
  /** @throws ExpressionError */
  text(template: string, extra?: PlainObject): Promise<string>;
  /** Maps and lists with all that is in them; a single expression keeps the type of its result. @throws ExpressionError */
  value(written: unknown): Promise<unknown>;
  /** The values by name. @throws TaskFailure that names the value whose expression is wrong */
  values(written: PlainObject): Promise<PlainObject>;
  /** The task's own properties, rendered, converted and checked. @throws TaskFailure with a sentence for each mistake */
  properties(taskType: TaskType, task: TaskDefinition): Promise<PlainObject>;
}

export interface RendererOptions {
  readonly variables: PlainObject;
  readonly host: AsyncHost;
  readonly clock: Clock;
  /** IANA name. */
  readonly timeZone: string;
  /** Results are rendered again until nothing changes. */
  readonly recursive?: boolean;
}

export function createRenderer({ variables, host, clock, timeZone, recursive = false }: RendererOptions): Renderer {
  const known = variablesOf(variables);
  const environment = (): AsyncEnvironment => ({ now: clock.now(), random: Math.random, timeZone, host, recursive });
  const text = (template: string, extra?: PlainObject): Promise<string> =>
    renderStringAsync(template, extra ? variablesOf({ ...variables, ...extra }) : known, environment());
  const value = (written: unknown): Promise<unknown> => renderDeepTypedAsync(written, known, environment());

  async function values(written: PlainObject, isText: (name: string) => boolean = () => false): Promise<PlainObject> {
    const rendered: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(written)) {
      try {
        rendered[name] = typeof member === 'string' && isText(name) ? await text(member) : await value(member);
      } catch (error) {
        throw new TaskFailure(`Property '${name}' cannot be rendered: ${messageOf(error)}`, undefined, error);
      }
    }
    return rendered;
  }

  return {
    text,
    value,
    values: (written) => values(written),
    async properties(taskType, task) {
      const rendered = await values(propertiesToRender(taskType, task), (name) => isTextProperty(taskType, name));
      const checked = checkProperties(taskType, { ...rendered, ...propertiesLeftAsWritten(taskType, task) });
      if (!checked.ok) throw new TaskFailure(checked.errors.join('. '));
      return checked.properties;
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
