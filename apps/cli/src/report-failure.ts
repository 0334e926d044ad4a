import { ServerRefusal, ServerUnreachable } from './client/http.js';
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

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.code;
  if (error instanceof ServerUnreachable) return EXIT.unreachable;
  if (error instanceof ServerRefusal) return error.status === 422 || error.status === 400 ? EXIT.usage : EXIT.failed;
  // By name: the class lives in a module that quick commands do not load.
  if (error instanceof Error && error.name === 'ConfigurationError') return EXIT.usage;
  return EXIT.failed;
}
