import { TaskFailure } from '@millrace/plugin-api';

const hostAndPort = (url: URL): string => `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;

const SENTENCES: Readonly<Record<string, (url: URL) => string>> = {
  ECONNREFUSED: (url) => `Nothing listens at ${hostAndPort(url)}: the connection was refused`,
  ENOTFOUND: ({ hostname }) => `The host '${hostname}' is not known: check its name`,
  EAI_AGAIN: ({ hostname }) => `The host '${hostname}' could not be looked up now: the name server does not answer`,
  ECONNRESET: (url) => `${hostAndPort(url)} closed the connection before its answer was complete`,
  EPIPE: (url) => `${hostAndPort(url)} closed the connection before the request was sent`,
  ERR_STREAM_PREMATURE_CLOSE: (url) => `${hostAndPort(url)} closed the connection before its answer was complete`,
  ETIMEDOUT: (url) => `No connection to ${hostAndPort(url)}: it does not answer`,
  EHOSTUNREACH: (url) => `There is no way to ${hostAndPort(url)} in the network`,
  ENETUNREACH: (url) => `There is no way to ${hostAndPort(url)} in the network`,
  CERT_HAS_EXPIRED: (url) => `The certificate of ${hostAndPort(url)} has expired`,
  DEPTH_ZERO_SELF_SIGNED_CERT: (url) => `The certificate of ${hostAndPort(url)} is signed by nobody that is trusted`,
  SELF_SIGNED_CERT_IN_CHAIN: (url) => `The certificate of ${hostAndPort(url)} is signed by nobody that is trusted`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (url) =>
    `The certificate of ${hostAndPort(url)} is signed by nobody that is trusted`,
  ERR_TLS_CERT_ALTNAME_INVALID: (url) => `The certificate of ${hostAndPort(url)} is for another host`,
  EPROTO: (url) => `${hostAndPort(url)} does not speak TLS: is it http instead of https?`,
  ERR_SSL_WRONG_VERSION_NUMBER: (url) => `${hostAndPort(url)} does not speak TLS: is it http instead of https?`,
  ERR_INVALID_CHAR: () => 'A header has a character that HTTP does not allow',
  ERR_INVALID_HTTP_TOKEN: () => 'The name of a header has a character that HTTP does not allow',
  ERR_UNESCAPED_CHARACTERS: () => 'The path has a character that HTTP does not allow',
};

/** What the user is told of a failed connection. Shows host and port, never the path, query or headers: they may hold secrets. */
export function connectionFailure(url: URL, error: unknown): TaskFailure {
  const code =
    typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
      ? error.code
      : undefined;
  const sentence = code === undefined ? undefined : SENTENCES[code];
  if (sentence) return new TaskFailure(sentence(url), undefined, error);
  if (code?.startsWith('HPE_')) {
    return new TaskFailure(
      `What ${hostAndPort(url)} answered is not HTTP: is it https instead of http?`,
      undefined,
      error,
    );
  }
  if (code?.startsWith('Z_'))
    return new TaskFailure(`The compressed answer of ${hostAndPort(url)} is damaged`, undefined, error);
  const detail = code ?? String(error);
  return new TaskFailure(`The request to ${hostAndPort(url)} failed: ${detail}`, undefined, error);
}
