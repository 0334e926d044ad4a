import type { Flow } from '@millrace/model';
import { ARCHIVE_LIMITS, isArchive, readArchive, sendArchive, type ArchivedText } from '../flows/archive.js';
import { documentsOf } from '../flows/documents.js';
import { acceptedFlow, forEachOf, saveFlow, seeWorkerGroups, type AcceptedFlow } from '../flows/store-flow.js';
import { json, type Answer } from '../http/answer.js';
import { HttpError, unprocessable } from '../http/errors.js';
import { FLOW_FLAT } from '../http/filters.js';
import { readForm, type FormFile } from '../http/multipart.js';
import { permission, type Call, type Route } from '../http/route.js';
import { FLOW_IDS, flowsByIds, flowsByQuery } from './flow-bulk.js';
import type { RouteServices } from './services.js';

/** Routes that take flows out and bring them in as files. */
export function flowArchiveRoutes(services: RouteServices): readonly Route[] {
  return [
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/export/by-ids',
      body: FLOW_IDS,
      access: permission('FLOW', 'EXPORT', 'each'),
      summary: 'Flows as a ZIP archive of their YAML',
      handle: async (call) => send(call, await flowsByIds(services, call)),
    },
    {
      method: 'GET',
      area: 'tenant',
      path: '/flows/export/by-query',
      parameters: FLOW_FLAT.map(({ parameter }) => parameter),
      access: permission('FLOW', 'EXPORT', 'filter'),
      summary: 'Flows that a search finds as a ZIP archive of their YAML',
      handle: async (call) => send(call, await flowsByQuery(services, call)),
    },
    {
      method: 'POST',
      area: 'tenant',
      path: '/flows/import',
      parameters: ['failOnError'],
      body: { type: 'multipart/form-data' },
      access: permission('FLOW', 'IMPORT', 'each'),
      summary: "Create or update flows from a file 'fileUpload', YAML or ZIP; answers the names of those that failed",
      handle: (call) => importFlows(services, call),
    },
  ];
}

const send = ({ response }: Call, flows: readonly Flow[]): Promise<void> => sendArchive(response, flows);

/** A flow of the file, or why it cannot be imported. */
type Imported = { readonly name: string } & ({ readonly flow: AcceptedFlow } | { readonly refusal: HttpError });

async function importFlows(services: RouteServices, call: Call): Promise<Answer> {
  const failOnError = call.query.flag('failOnError', false);
  const texts = await uploadedTexts(call);
  await seeWorkerGroups(services, ...texts.map(({ text }) => text));
  const imported = texts.map((text) => checked(services, call, text));
  const refused = imported.flatMap((one) => ('refusal' in one ? [one] : []));
  const [first] = refused;
  if (failOnError && first !== undefined) {
    throw unprocessable(
      `Nothing was imported: ${first.name}: ${first.refusal.message}`,
      refused.flatMap(({ name, refusal }) =>
        (refusal.faults.length > 0 ? refusal.faults : [{ message: refusal.message }]).map((fault) => ({
          ...fault,
          message: `${name}: ${fault.message}`,
        })),
      ),
    );
  }
  const accepted = imported.flatMap((one) => ('flow' in one ? [one.flow] : []));
  await forEachOf(accepted, (flow) => saveFlow(services, call.tenant, 'save', flow));
  return json(refused.map(({ name }) => name));
}

function checked(services: RouteServices, call: Call, { name, text }: ArchivedText): Imported {
  try {
    const flow = acceptedFlow(services, call.scope, text);
    call.permit({ resource: 'FLOW', action: 'IMPORT' }, flow.definition.namespace);
    return { name, flow };
  } catch (error) {
    if (!(error instanceof HttpError) || (error.status !== 422 && error.status !== 403)) throw error;
    return { name: nameIn(text) ?? name, refusal: error };
  }
}

/** What a flow calls itself, also when it is not valid. */
const nameIn = (text: string): string | undefined => /^id:\s*["']?([\w.-]{1,100})/m.exec(text)?.[1];

/** The texts of the uploaded file, one for each flow. @throws HttpError 413, 422 */
export async function uploadedTexts(call: Call): Promise<readonly ArchivedText[]> {
  const uploads: { readonly name: string; readonly bytes: Buffer }[] = [];
  await readForm(call.request, async ({ name, fileName, content }: FormFile) => {
    if (name !== 'fileUpload') {
      content.resume();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ARCHIVE_LIMITS.bytes)
        throw new HttpError(413, `The file is larger than ${ARCHIVE_LIMITS.bytes} bytes: send several`);
      chunks.push(chunk);
    }
    uploads.push({ name: fileName, bytes: Buffer.concat(chunks) });
  });
  const [upload] = uploads;
  if (upload === undefined) throw unprocessable("The form has no file called 'fileUpload': send one");
  const files = isArchive(upload.bytes)
    ? await readArchive(upload.bytes)
    : [{ name: upload.name, text: textOf(upload.bytes) }];
  const texts = files.flatMap(({ name, text }) => documentsOf(text).map((document) => ({ name, text: document })));
  if (texts.length > ARCHIVE_LIMITS.entries)
    throw new HttpError(
      413,
      `The file has ${texts.length} flows; at most ${ARCHIVE_LIMITS.entries} are imported at once`,
    );
  return texts;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpError(422, 'The file is neither a ZIP archive nor text in UTF-8', { cause: error });
  }
}
