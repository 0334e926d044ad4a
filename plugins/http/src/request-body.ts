import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { isPlainObject, type PlainObject } from '@millrace/model';
import { TaskFailure, type TaskFiles } from '@millrace/plugin-api';

/** The body of a request and its media type. */
export interface RequestBody {
  readonly contentType: string;
  /** Called once for each time the request is sent. */
  readonly open: () => Promise<Readable | string>;
  /** What of it may be shown in the log. */
  readonly shown: string;
}

export interface BodyProperties {
  readonly body?: string;
  readonly formData?: PlainObject;
  readonly contentType?: string;
}

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** @throws TaskFailure when a form has a file and is not sent as multipart/form-data */
export function requestBody(
  { body, formData, contentType }: BodyProperties,
  files: Pick<TaskFiles, 'read'>,
): RequestBody | undefined {
  if (formData) {
    if (body !== undefined) throw new TaskFailure("Give either 'body' or 'formData', not both");
    return contentType?.toLowerCase().startsWith(MULTIPART) ? multipart(formData, files) : form(formData);
  }
  if (body === undefined) return undefined;
  return { contentType: contentType ?? 'application/json', open: () => Promise.resolve(body), shown: body };
}

/** The text of a value in a form, query or header. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

function form(fields: PlainObject): RequestBody {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (isFile(value))
      throw new TaskFailure(`The field '${name}' of the form is a file: set contentType to ${MULTIPART}`);
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, textOf(one));
  }
  const text = parameters.toString();
  return { contentType: FORM, open: () => Promise.resolve(text), shown: text };
}

const isFile = (value: unknown): value is { readonly name: string; readonly content: string } =>
  isPlainObject(value) && typeof value['name'] === 'string' && typeof value['content'] === 'string';

function multipart(fields: PlainObject, files: Pick<TaskFiles, 'read'>): RequestBody {
  const boundary = `millrace-${randomBytes(16).toString('hex')}`;
  async function* parts(): AsyncGenerator<Buffer> {
    for (const [name, value] of Object.entries(fields)) {
      const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${parameter(name)}"`;
      if (isFile(value)) {
        yield Buffer.from(
          `${disposition}; filename="${parameter(value.name)}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
        );
        for await (const chunk of await files.read(value.content)) yield Buffer.from(chunk);
      } else yield Buffer.from(`${disposition}\r\n\r\n${textOf(value)}`);
      yield Buffer.from('\r\n');
    }
    yield Buffer.from(`--${boundary}--\r\n`);
  }
  return {
    contentType: `${MULTIPART}; boundary=${boundary}`,
    open: () => Promise.resolve(Readable.from(parts())),
    shown: `a form with ${Object.keys(fields).join(', ')}`,
  };
}

/** Quoting of a parameter as browsers do it: a line break or a quote cannot end it. */
const parameter = (text: string): string => text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
