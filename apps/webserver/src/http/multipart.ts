import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { HttpError, unprocessable } from './errors.js';

/** Bounds of one form. */
export const FORM_LIMITS = {
  fields: 1_000,
  fieldBytes: 1024 * 1024,
  nameBytes: 256,
  files: 100,
  fileBytes: 10 * 1024 ** 3,
} as const;

export interface FormFile {
  /** Name of the part. */
  readonly name: string;
  /** Plain file name as the client gave it, without folders; '' when it gave none. */
  readonly fileName: string;
  /** Must be read to its end or destroyed. */
  readonly content: Readable;
}

/**
 * Reads a form of type multipart/form-data: fields are collected, the last of one name wins; files are handed over as
 * they arrive, so that they are never in memory as a whole.
 * @throws HttpError 413 above a limit, 422 for a malformed form; what `onFile` throws
 */
export async function readForm(
  request: IncomingMessage,
  onFile: (file: FormFile) => Promise<void>,
): Promise<ReadonlyMap<string, string>> {
  const form = open(request);
  const fields = new Map<string, string>();
  const storing: Promise<void>[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const tooMany = (what: string, max: number) => () =>
        reject(new HttpError(413, `The form has more than ${max} ${what}`));
      form.on('field', (name: string | undefined, value, { valueTruncated }) => {
        if (name === undefined) return reject(nameless());
        if (Buffer.byteLength(name) > FORM_LIMITS.nameBytes)
          reject(new HttpError(413, `A name in the form is longer than ${FORM_LIMITS.nameBytes} bytes`));
        if (valueTruncated)
          reject(
            new HttpError(
              413,
              `The value of '${name.slice(0, 80)}' is longer than ${FORM_LIMITS.fieldBytes} bytes: send it as a file`,
            ),
          );
        fields.set(name, value);
      });
      form.on('file', (name: string | undefined, content, { filename }) => {
        // Also when nobody reads it: the stream fails with the form, or with the connection.
        content.on('error', (error) => reject(malformed(error)));
        if (name === undefined) {
          content.resume();
          return reject(nameless());
        }
        content.once('limit', tooMany('bytes in one file', FORM_LIMITS.fileBytes));
        const stored = onFile({ name, fileName: filename ?? '', content });
        // Not awaited here: the form goes on while the file is stored. A failure ends the reading at once.
        stored.catch(reject);
        storing.push(stored);
      });
      form.once('fieldsLimit', tooMany('fields', FORM_LIMITS.fields));
      form.once('filesLimit', tooMany('files', FORM_LIMITS.files));
      form.on('error', (error) => reject(malformed(error)));
      form.once('close', resolve);
      const cutOff = (): void => reject(new HttpError(400, 'The form ended too early'));
      request.once('aborted', cutOff);
      if (request.destroyed) cutOff();
      request.pipe(form);
    });
    await Promise.all(storing);
  } catch (error) {
    request.unpipe(form);
    // Destroying an unfinished form reports that it is unfinished; what is wrong is known already.
    form.destroy();
    await Promise.allSettled(storing);
    throw error;
  }
  return fields;
}

const nameless = (): HttpError => unprocessable('A part of the form has no name: give each part a name');

const malformed = (error: unknown): HttpError => {
  const reason = error instanceof Error ? error.message : String(error);
  return unprocessable(`The form is malformed: ${reason}`);
};

function open(request: IncomingMessage): busboy.Busboy {
  const { nameBytes, fieldBytes, fields, files, fileBytes } = FORM_LIMITS;
  try {
    return busboy({
      headers: request.headers,
      // Browsers write names of files and parts in UTF-8.
      defParamCharset: 'utf8',
      limits: { fieldNameSize: nameBytes, fieldSize: fieldBytes, fields, files, fileSize: fileBytes, headerPairs: 100 },
    });
  } catch (error) {
    throw malformed(error);
  }
}
