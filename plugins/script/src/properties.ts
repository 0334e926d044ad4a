import { Type } from '@sinclair/typebox';
import { Dynamic, MapOf, taskFileProperties, type NamespaceFiles } from '@millrace/model';

const lines = (description: string) => Dynamic(Type.Union([Type.Array(Type.String()), Type.String()], { description }));

/** What all script tasks have besides the script or its commands (spec tasks.md §9). */
export const processProperties = {
  beforeCommands: Type.Optional(lines('Commands that run before, in the same shell.')),
  env: Type.Optional(
    Dynamic(
      Type.Union([MapOf(Type.Unknown()), Type.String()], {
        description: 'Environment variables; nothing of the worker is inherited but PATH, HOME, LANG and TMPDIR.',
      }),
    ),
  ),
  interpreter: Type.Optional(
    Dynamic(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'The program that gets the commands as its last argument. Default /bin/sh -c.',
      }),
    ),
  ),
  failFast: Type.Optional(
    Dynamic(Type.Boolean({ default: true, description: 'The first failing command ends the task.' })),
  ),
  ...taskFileProperties,
  targetOS: Type.Optional(Dynamic(Type.String({ default: 'AUTO', description: 'LINUX, WINDOWS or AUTO.' }))),
  taskRunner: Type.Optional(
    Type.Object(
      { type: Type.String() },
      {
        additionalProperties: true,
        description: 'Where the script runs; core.runner.Process is a process of the worker.',
      },
    ),
  ),
  runner: Type.Optional(Type.String({ deprecated: true, description: 'Old form of taskRunner: PROCESS or DOCKER.' })),
  containerImage: Type.Optional(
    Dynamic(Type.String({ description: 'For container runners; a process does not use it.' })),
  ),
} as const;

export const commandsProperty = { commands: lines('Commands, run one after the other in one shell.') } as const;

export const scriptProperty = { script: Dynamic(Type.String({ description: 'The script.' })) } as const;

/** Rendered by the task itself: they may name `workingDir` and `outputDir`, and their text must stay as it is. */
export const RENDERED_HERE = ['script', 'commands', 'beforeCommands', 'env', 'inputFiles'] as const;

export const scriptOutputs = Type.Object({
  exitCode: Type.Integer({ description: 'What the process ended with.' }),
  vars: MapOf(Type.Unknown(), { description: 'Values that the script put out.' }),
  outputFiles: MapOf(Type.String(), { description: 'URIs of the kept files by name.' }),
  stdOutLineCount: Type.Integer({ description: 'Lines of the standard output.' }),
  stdErrLineCount: Type.Integer({ description: 'Lines of the standard error.' }),
});

/** The properties as they arrive: those of `RENDERED_HERE` as they were written. */
export interface ProcessProperties {
  readonly beforeCommands?: readonly string[] | string;
  readonly env?: Readonly<Record<string, unknown>> | string;
  readonly interpreter?: readonly string[];
  readonly failFast?: boolean;
  readonly inputFiles?: Readonly<Record<string, unknown>> | string;
  readonly outputFiles?: readonly string[] | string;
  readonly namespaceFiles?: NamespaceFiles;
  readonly targetOS?: string;
  readonly taskRunner?: { readonly type: string };
  readonly runner?: string;
}
