import { taskSchema } from '@millrace/model';
import { defineTask, type TaskType } from '@millrace/plugin-api';
import { needProgram } from './programs.js';
import { commandsProperty, processProperties, RENDERED_HERE, scriptOutputs, scriptProperty } from './properties.js';
import { quoted, runScript } from './run-script.js';

/** A language whose scripts a program runs from a file. */
interface Language {
  /** Part of the type's name: `scripts.<name>.Script`. */
  readonly name: string;
  readonly title: string;
  /** Programs that run it; the first one installed is taken. */
  readonly programs: readonly string[];
  readonly fileName: string;
}

const LANGUAGES: readonly Language[] = [
  { name: 'python', title: 'Python', programs: ['python3', 'python'], fileName: 'script.py' },
  { name: 'node', title: 'Node.js', programs: ['node'], fileName: 'script.cjs' },
];

/** `scripts.<name>.Commands`: commands of a shell, for which the language's program should be there. */
function commandsTask(name: string, title: string, programs: readonly string[]): TaskType {
  const sentence = `Runs shell commands${title === '' ? '' : ` with ${title}`} in a process of the worker.`;
  return defineTask({
    type: `scripts.${name}.Commands`,
    kind: 'runnable',
    title: sentence,
    schema: taskSchema({ ...commandsProperty, ...processProperties }, sentence),
    outputs: scriptOutputs,
    rendersItself: RENDERED_HERE,
    run: (properties, context) =>
      runScript(properties, context, async ({ rendering, environment }) => {
        if (programs.length > 0) await needProgram(programs, environment['PATH'] ?? '');
        return rendering.lines('commands', properties.commands);
      }),
  });
}

const shellScript = defineTask({
  type: 'scripts.shell.Script',
  kind: 'runnable',
  title: 'Runs a shell script in a process of the worker.',
  schema: taskSchema({ ...scriptProperty, ...processProperties }, 'Runs a shell script in a process of the worker.'),
  outputs: scriptOutputs,
  rendersItself: RENDERED_HERE,
  run: (properties, context) =>
    runScript(properties, context, async ({ rendering }) => [await rendering.text(properties.script)]),
});

function languageScript({ name, title, programs, fileName }: Language): TaskType {
  const sentence = `Runs a ${title} script in a process of the worker.`;
  return defineTask({
    type: `scripts.${name}.Script`,
    kind: 'runnable',
    title: sentence,
    schema: taskSchema({ ...scriptProperty, ...processProperties }, sentence),
    outputs: scriptOutputs,
    rendersItself: RENDERED_HERE,
    run: (properties, context) =>
      runScript(properties, context, async ({ rendering, environment, writeScript }) => {
        const program = await needProgram(programs, environment['PATH'] ?? '');
        const path = await writeScript(fileName, await rendering.text(properties.script));
        return [`exec ${quoted(program)} ${quoted(path)}`];
      }),
  });
}

/** All script tasks. */
export const scriptTasks: readonly TaskType[] = [
  shellScript,
  commandsTask('shell', '', []),
  ...LANGUAGES.flatMap((language) => [
    languageScript(language),
    commandsTask(language.name, language.title, language.programs),
  ]),
];
