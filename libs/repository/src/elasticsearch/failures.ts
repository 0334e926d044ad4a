import { errors } from '@elastic/elasticsearch';
import { RepositoryError } from '../contract.js';
import { member } from './answers.js';

/** A request that is too large for the server: smaller ones may be taken. */
export class TooLarge extends RepositoryError {
  constructor(cause: unknown) {
    super(
      'UNAVAILABLE',
      'Elasticsearch refused a request as too large (413): set http.max_content_length there higher',
      true,
      cause,
    );
  }
}

/** What a failed request means, in one sentence with what to do. */
export function unavailable(error: unknown, nodes: readonly string[]): RepositoryError {
  const where = nodes.map((node) => `'${node}'`).join(', ');
  const failed = (message: string, retryable: boolean): RepositoryError =>
    new RepositoryError('UNAVAILABLE', message, retryable, error);
  if (error instanceof RepositoryError) return error;
  if (error instanceof errors.ProductNotSupportedError)
    return failed(`What answers at ${where} is not Elasticsearch: check elasticsearch.nodes`, false);
  if (error instanceof errors.ResponseError) return refused(error, where);
  if (error instanceof errors.TimeoutError)
    return failed(`Elasticsearch at ${where} did not answer in time: see whether it is overloaded`, true);
  if (error instanceof errors.ConnectionError || error instanceof errors.NoLivingConnectionsError)
    return failed(
      `Elasticsearch at ${where} cannot be reached (${error.message}): check that it runs, and elasticsearch.nodes`,
      true,
    );
  const reason = error instanceof Error ? error.message : String(error);
  return failed(`Elasticsearch at ${where} could not be asked: ${reason}`, true);
}

function refused(error: errors.ResponseError, where: string): RepositoryError {
  const status = error.statusCode ?? 0;
  const reason = reasonOf(error);
  const failed = (message: string, retryable: boolean): RepositoryError =>
    new RepositoryError('UNAVAILABLE', message, retryable, error);
  switch (status) {
    case 400:
      return new RepositoryError('INVALID_QUERY', `Elasticsearch cannot answer this: ${reason}`, false, error);
    case 401:
      return failed(`Elasticsearch at ${where} does not accept the account or API key (401): ${reason}`, true);
    case 403:
      return failed(`Elasticsearch at ${where} does not allow it (403): ${reason}`, true);
    case 413:
      return new TooLarge(error);
    case 429:
      return new RepositoryError('BUSY', `Elasticsearch is overloaded (429): ${reason}`, true, error);
    default:
      return failed(`Elasticsearch at ${where} answered with status ${status}: ${reason}`, status >= 404);
  }
}

function reasonOf({ body, message }: errors.ResponseError): string {
  const error = member(body, 'error');
  const cause = member(member(error, 'root_cause'), '0');
  for (const said of [member(cause, 'reason'), member(error, 'reason'), error])
    if (typeof said === 'string' && said !== '') return said.slice(0, 500);
  return message.slice(0, 500);
}
