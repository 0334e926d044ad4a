import { isPlainObject } from '@millrace/model';
import type { Client } from '../client/client.js';
import { ServerRefusal, ServerUnreachable } from '../client/http.js';
import { connect, type ServerChoice } from '../connect.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-code.js';
import { interruptible } from '../interruption.js';
import { paintFor } from '../output/colour.js';
import { asStatus, statusLines } from '../output/cluster-status.js';

export interface StatusFlags extends ServerChoice {
  readonly output: string;
}

export interface DrainFlags extends ServerChoice {
  readonly wait: boolean;
}

/** `millrace cluster status`: 0 when nothing needs a person, else 1. */
export async function clusterStatus(flags: StatusFlags, context: CommandContext): Promise<number> {
  const client = await connect(flags, context);
  const answer = await client.request('GET', 'instance/status');
  const status = asStatus(answer);
  const lines =
    flags.output === 'json'
      ? [JSON.stringify(answer, undefined, 2)]
      : statusLines(status, paintFor(context.stdout, context.environment));
  for (const line of lines) context.stdout.write(`${line}\n`);
  return status.healthy ? EXIT.ok : EXIT.failed;
}

/** How often it is looked whether a drained server is gone. */
const LOOK_MS = 500;
/** Looks in a row that nobody answered: the server that was asked is the one that is drained. */
const SILENT_LOOKS = 4;

/** `millrace cluster drain`: waits until the server is gone, unless `--no-wait`. */
export async function drainServer(instance: string, flags: DrainFlags, context: CommandContext): Promise<number> {
  const client = await connect(flags, context);
  const place = `instance/services/${encodeURIComponent(instance)}`;
  await client.request('POST', `${place}/drain`);
  if (!flags.wait) {
    context.stdout.write(`${instance} was told to stop\n`);
    return EXIT.ok;
  }
  context.stderr.write(`${instance} takes no new work; waiting until it is gone (Ctrl+C stops waiting)\n`);
  return interruptible(context, async (signal) => {
    const end = await endOf(client, place, context, signal);
    if (end === undefined) return EXIT.interrupted;
    context.stdout.write(
      end === UNSEEN
        ? `${instance} stops, and the server that was asked with it: its end is not seen from here\n`
        : `${instance} is ${end}\n`,
    );
    return end === 'DISCONNECTED' ? EXIT.failed : EXIT.ok;
  });
}

const UNSEEN = 'unseen';

/** The state in which the server ended, UNSEEN when nobody answers any more; undefined when nobody waits any more. */
async function endOf(
  client: Client,
  place: string,
  { clock }: CommandContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let silent = 0; !signal.aborted;) {
    try {
      const answer = await client.request('GET', place, { signal });
      const state = isPlainObject(answer) ? answer['state'] : undefined;
      if (typeof state === 'string' && (state.startsWith('TERMINATED') || state === 'DISCONNECTED')) return state;
      silent = 0;
    } catch (error) {
      if (signal.aborted) return undefined;
      // 503: it is the one that stops.
      const isAway = error instanceof ServerUnreachable || (error instanceof ServerRefusal && error.status === 503);
      if (!isAway) throw error;
      if (++silent >= SILENT_LOOKS && error instanceof ServerUnreachable) return UNSEEN;
    }
    await new Promise<void>((resolve) => {
      const cancel = clock.after(LOOK_MS, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
  return undefined;
}

/** `millrace cluster maintenance enter|exit`. */
export async function changeMaintenance(
  change: 'enter' | 'exit',
  flags: ServerChoice,
  context: CommandContext,
): Promise<number> {
  const client = await connect(flags, context);
  const answer = await client.request('POST', `instance/maintenance/${change}`);
  const { inMaintenance, by, since } = isPlainObject(answer) ? answer : {};
  context.stdout.write(
    inMaintenance === true
      ? `In maintenance mode since ${String(since)}, by ${String(by)}: new executions stay CREATED, workers take nothing new\n`
      : `Not in maintenance mode (left ${String(since)}, by ${String(by)})\n`,
  );
  return EXIT.ok;
}
