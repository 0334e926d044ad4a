import { excerpt } from '@millrace/model';
import { TaskFailure } from '@millrace/plugin-api';

/** The text of an answer, in the charset that it names, else in the default one. @throws TaskFailure for an unknown default */
export function decoded(body: Buffer, contentType: string | undefined, defaultCharset: string): string {
  const named = /;\s*charset="?([^\s";]+)/i.exec(contentType ?? '')?.[1];
  const decoder = decoderOf(named) ?? decoderOf(defaultCharset);
  if (decoder) return decoder.decode(body);
  throw new TaskFailure(
    `The charset '${excerpt(defaultCharset)}' in 'options.defaultCharset' is not known: use UTF-8, for example`,
  );
}

function decoderOf(charset: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  if (charset === undefined) return undefined;
  try {
    return new TextDecoder(charset);
  } catch {
    // The only reason is a name that is not known.
    return undefined;
  }
}
