import { parseFlows, parsePart, type Finding, type ParsedFlow, type ParsedPart } from '@millrace/flow';
import { faultsText, parseOptions, seeWorkerGroups } from '../flows/store-flow.js';
import { json, type Answer } from '../http/answer.js';
import { BODY_LIMITS, mediaType, readText, readYaml } from '../http/body.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { readForm, type FormFile } from '../http/multipart.js';
import { permission, type Call, type Route } from '../http/route.js';
import type { RouteServices } from './services.js';

/** Routes that check flows and parts of them without storing anything. */
export function flowValidationRoutes(services: RouteServices): readonly Route[] {
  const access = permission('FLOW', 'VALIDATE', 'tenant');
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/validate',
      body: { type: 'application/x-yaml' },
      access,
      summary: 'Check the YAML of flows, documents apart by --- or files of a form; one entry each',
      handle: (call) => validate(services, call),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/validate/task',
      parameters: ['section'],
      body: { type: 'application/x-yaml' },
      access,
      summary: 'Check one task, in YAML or JSON',
      async handle(call) {
        const section = call.query.choice('section', ['TASKS', 'TRIGGERS']) ?? 'TASKS';
        return validatePart(services, call, section === 'TASKS' ? 'tasks' : 'triggers');
      },
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/validate/trigger',
      body: { type: 'application/x-yaml' },
      access,
      summary: 'Check one trigger, in YAML or JSON',
      handle: (call) => validatePart(services, call, 'triggers'),
    },
  ];
}

async function validate(services: RouteServices, call: Call): Promise<Answer> {
  if (mediaType(call.request) !== 'multipart/form-data') {
    const source = await readYaml(call.request);
    checkDocumentCount([source]);
    await seeWorkerGroups(services, source);
    return json(validations(services, call, source));
  }
  const files = await readFiles(call);
  checkDocumentCount(files.map(({ source }) => source));
  await seeWorkerGroups(services, ...files.map(({ source }) => source));
  const entries = files.flatMap(({ filename, source }) =>
    validations(services, call, source).map((entry) => ({ ...entry, filename })),
  );
  return json(entries.map((entry, index) => ({ ...entry, index })));
}

interface SourceFile {
  readonly filename: string;
  readonly source: string;
}

/** The parts of a form as texts of flows. All together are as large as one body may be. */
async function readFiles(call: Call): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  let size = 0;
  const store = async ({ name, fileName, content }: FormFile): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of content as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_LIMITS.flow)
        throw new HttpError(413, `The files are larger than ${BODY_LIMITS.flow} bytes together`);
      chunks.push(chunk);
    }
    files.push({ filename: fileName || name, source: textOf(Buffer.concat(chunks), fileName || name) });
  };
  const fields = await readForm(call.request, store);
  return [...files, ...[...fields].map(([filename, source]) => ({ filename, source }))];
}

function textOf(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpError(422, `The file '${name.slice(0, 80)}' is not valid UTF-8`, { cause: error });
  }
}

const DOCUMENTS_MAX = 100;

/** What begins another document; `...` before `---` or at the end begins none of its own. */
const DOCUMENT_MARK = /^(?:---(?=\s|$)|\.\.\.(?=\s)(?!\s*(?:---|(?![^]))))/m;

/** @throws HttpError 422 for more documents than are checked at once: each takes its time */
export function checkDocumentCount(sources: readonly string[], max = DOCUMENTS_MAX): void {
  const count = sources.reduce((sum, source) => {
    const [before = '', ...others] = source.split(DOCUMENT_MARK);
    return sum + others.length + (before.trim() === '' ? 0 : 1);
  }, 0);
  if (count > max)
    throw unprocessable(`The text has ${count} documents; at most ${max} are checked at once: send fewer`);
}

function validations(services: RouteServices, call: Call, source: string): readonly object[] {
  const visible = services.running().flows;
  return parseFlows(source, parseOptions(services, call.scope)).map((parsed, index) => {
    const { definition } = parsed;
    const known = definition && visible.latest(call.scope, definition.namespace, definition.id);
    return {
      index,
      ...(definition && { flow: definition.id, namespace: definition.namespace }),
      ...entryOf(parsed, 'The flow'),
      outdated: known !== undefined && definition?.revision !== undefined && definition.revision < known.revision,
    };
  });
}

async function validatePart(services: RouteServices, call: Call, part: 'tasks' | 'triggers'): Promise<Answer> {
  const types = ['application/x-yaml', 'application/yaml', 'text/yaml', 'text/x-yaml', 'application/json'];
  const source = await readText(call.request, types, BODY_LIMITS.flow);
  await seeWorkerGroups(services, source);
  const parsed = parsePart(source, part, parseOptions(services, call.scope));
  return json({ index: 0, ...entryOf(parsed, part === 'tasks' ? 'The task' : 'The trigger'), outdated: false });
}

/** What an entry of a validation tells, whatever was checked (spec rest-api.md §1). */
function entryOf({ faults, warnings, infos, deprecations }: ParsedFlow | ParsedPart, what: string): object {
  return {
    ...(faults.length > 0 && {
      constraints: faultsText(faults, what),
      errors: faults.map(({ message, path, line, column }) => ({ message, path, line, column })),
    }),
    deprecationPaths: deprecations,
    warnings: warnings.map(findingText),
    infos: infos.map(findingText),
  };
}

const findingText = ({ message, path, line }: Finding): string =>
  `${line}: ${path === '' ? '' : `${path}: `}${message}`;
