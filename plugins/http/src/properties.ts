import { Type } from '@sinclair/typebox';
import { Dynamic, Duration, MapOf, SecretText } from '@millrace/model';

const choice = <const Name extends string>(names: readonly Name[], description: string) =>
  Dynamic(Type.Unsafe<Name>({ type: 'string', enum: [...names], description }));

const closed = { additionalProperties: false } as const;

/** How a request is sent and its answer taken (spec tasks.md §4). */
export const RequestOptions = Type.Object(
  {
    timeout: Type.Optional(
      Type.Object(
        {
          connectTimeout: Type.Optional(
            Dynamic(Duration({ description: 'How long connecting may take. Without it as long as the system tries.' })),
          ),
          readIdleTimeout: Type.Optional(
            Dynamic(Duration({ default: 'PT5M', description: 'How long nothing may come.' })),
          ),
        },
        closed,
      ),
    ),
    proxy: Type.Optional(
      Type.Object(
        {
          type: Type.Optional(choice(['DIRECT', 'HTTP', 'SOCKS'], 'HTTP and SOCKS (version 5) need address and port.')),
          address: Type.Optional(Type.String()),
          port: Type.Optional(Dynamic(Type.Integer({ minimum: 1, maximum: 65_535 }))),
          username: Type.Optional(Type.String()),
          password: Type.Optional(SecretText(Type.String())),
        },
        closed,
      ),
    ),
    auth: Type.Optional(
      Type.Object(
        {
          type: choice(
            ['BASIC', 'BEARER', 'DIGEST'],
            'BASIC or DIGEST with username and password, or BEARER with token.',
          ),
          username: Type.Optional(Type.String()),
          password: Type.Optional(SecretText(Type.String())),
          token: Type.Optional(SecretText(Type.String())),
        },
        closed,
      ),
    ),
    ssl: Type.Optional(
      Type.Object(
        {
          insecureTrustAllCertificates: Type.Optional(
            Dynamic(Type.Boolean({ description: 'Accepts any certificate: for tests only.' })),
          ),
        },
        closed,
      ),
    ),
    followRedirects: Type.Optional(
      Dynamic(Type.Boolean({ default: true, description: 'Goes where the server points to.' })),
    ),
    allowFailed: Type.Optional(
      Dynamic(Type.Boolean({ default: false, description: 'A status of 400 or more is no failure.' })),
    ),
    allowedResponseCodes: Type.Optional(
      Dynamic(Type.Array(Type.Integer(), { description: 'Statuses of 400 or more that are no failure.' })),
    ),
    defaultCharset: Type.Optional(Type.String({ default: 'UTF-8', description: 'For answers that name none.' })),
    logs: Type.Optional(
      Type.Array(
        choice(
          ['REQUEST_HEADERS', 'REQUEST_BODY', 'RESPONSE_HEADERS', 'RESPONSE_BODY'],
          'What is written into the log.',
        ),
      ),
    ),
  },
  closed,
);

/** A file in a form: its name for the receiver, and where it is stored. */
export const FormFile = Type.Object(
  { name: Type.String(), content: Type.String({ description: 'kestra:/// URI.' }) },
  closed,
);

/** What all HTTP tasks have. */
export const requestProperties = {
  uri: Dynamic(Type.String({ description: 'Where to, such as https://example.com/path.' })),
  method: Type.Optional(
    Dynamic(
      Type.String({ pattern: "^[A-Za-z!#$%&'*+.^_`|~0-9-]{1,32}$", default: 'GET', description: 'HTTP method.' }),
    ),
  ),
  body: Type.Optional(Dynamic(Type.String({ description: 'Body of the request.' }))),
  formData: Type.Optional(
    Dynamic(
      MapOf(Type.Unknown(), {
        description: 'Fields of a form; a file is {name, content: URI} and needs contentType multipart/form-data.',
      }),
    ),
  ),
  params: Type.Optional(
    Dynamic(MapOf(Type.Unknown(), { description: 'Query parameters; a list repeats its parameter.' })),
  ),
  contentType: Type.Optional(
    Dynamic(Type.String({ default: 'application/json', description: 'Media type of the body.' })),
  ),
  headers: Type.Optional(Dynamic(MapOf(Type.Unknown(), { description: 'Headers of the request.' }))),
  options: Type.Optional(Dynamic(RequestOptions)),
} as const;
