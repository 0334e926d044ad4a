import type { CommandContext } from './context.js';
import { CommandFailure, EXIT } from './exit-code.js';
import { paintFor } from './output/colour.js';

/** Says an error in a sentence on stderr, with the stack only when asked, and answers the exit code. */
export function reportFailure(
  error: unknown,
  { context, isVerbose }: { readonly context: CommandContext; readonly isVerbose: boolean },
): number {
  const paint = paintFor(context.stderr, context.environment);
  const message = error instanceof Error ? error.message : String(error);
  context.stderr.write(`${paint('red', 'Error:')} ${message}\n`);
  if (isVerbose && error instanceof Error && error.stack) context.stderr.write(`${error.stack}\n`);
  return exitCodeOf(error);
}

/** By name: the classes live in modules that quick commands do not load. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.code;
  if (!(error instanceof Error)) return EXIT.failed;
  if (error.name === 'ServerUnreachable') return EXIT.unreachable;
  if (error.name === 'ConfigurationError') return EXIT.usage;
  const status = 'status' in error ? error.status : undefined;
  return error.name === 'ServerRefusal' && (status === 422 || status === 400) ? EXIT.usage : EXIT.failed;
}
