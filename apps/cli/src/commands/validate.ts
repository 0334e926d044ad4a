import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-code.js';
import { flowFilesOf, validateFlowFile } from '../flow-file.js';
import { paintFor } from '../output/colour.js';

/** `millrace validate`: faults on stderr, one line for each valid file on stdout. */
export async function validateFlows(paths: readonly string[], context: CommandContext): Promise<number> {
  const { stdout, stderr, environment } = context;
  const paint = paintFor(stdout, environment);
  let invalid = 0;
  const files = flowFilesOf(paths, context);
  for (const file of files) {
    const { faults, warnings } = validateFlowFile(file, context);
    for (const text of [...faults, ...warnings]) stderr.write(`${text}\n`);
    if (faults.length === 0) stdout.write(`${paint('green', 'valid')}    ${file}\n`);
    else stdout.write(`${paint('red', 'invalid')}  ${file}\n`);
    if (faults.length > 0) invalid += 1;
  }
  if (files.length > 1) stdout.write(`${files.length - invalid} valid, ${invalid} invalid\n`);
  return invalid === 0 ? EXIT.ok : EXIT.usage;
}
