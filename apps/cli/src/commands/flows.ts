import { connect, type ServerChoice } from '../connect.js';
import type { FlowName } from '../client/client.js';
import type { CommandContext } from '../context.js';
import { CommandFailure, EXIT } from '../exit-code.js';
import { checkFlowFile, flowFilesOf } from '../flow-file.js';
import { tableLines } from '../output/table.js';

export interface FlowListFlags extends ServerChoice {
  readonly namespace?: string;
  readonly size: number;
  readonly json?: boolean;
}

/** `millrace flow list`. */
export async function listFlows(flags: FlowListFlags, context: CommandContext): Promise<number> {
  const { namespace, size, json } = flags;
  const client = await connect(flags, context);
  const page = await client.searchFlows({ size, ...(namespace === undefined ? {} : { namespace }) });
  if (json) {
    context.stdout.write(`${JSON.stringify(page.results)}\n`);
    return EXIT.ok;
  }
  const rows = page.results.map((flow) => [
    flow.namespace,
    flow.id,
    String(flow.revision),
    flow.disabled ? 'disabled' : '',
  ]);
  for (const line of tableLines(['NAMESPACE', 'ID', 'REVISION', ''], rows)) context.stdout.write(`${line}\n`);
  if (page.total > page.results.length)
    context.stdout.write(`${page.results.length} of ${page.total}; --size shows more\n`);
  return EXIT.ok;
}

/** `millrace flow get`. */
export async function printFlow(name: FlowName, choice: ServerChoice, context: CommandContext): Promise<number> {
  const client = await connect(choice, context);
  const flow = await client.findFlow(name);
  if (!flow) throw new CommandFailure(EXIT.failed, `There is no flow '${name.namespace}.${name.id}'`);
  const source = flow.source ?? '';
  context.stdout.write(source.endsWith('\n') ? source : `${source}\n`);
  return EXIT.ok;
}

/** `millrace flow update`: nothing is saved when one of the flows is not valid. */
export async function saveFlows(
  paths: readonly string[],
  choice: ServerChoice,
  context: CommandContext,
): Promise<number> {
  const flows = flowFilesOf(paths, context).map((file) => checkFlowFile(file, context));
  const client = await connect(choice, context);
  for (const { name, source } of flows) {
    const saved = await client.saveFlow(name, source);
    context.stdout.write(`${name.namespace}.${name.id} revision ${saved.revision}\n`);
  }
  return EXIT.ok;
}

/** `millrace flow delete`. */
export async function deleteFlow(name: FlowName, choice: ServerChoice, context: CommandContext): Promise<number> {
  const client = await connect(choice, context);
  await client.deleteFlow(name);
  context.stdout.write(`${name.namespace}.${name.id} is deleted\n`);
  return EXIT.ok;
}
