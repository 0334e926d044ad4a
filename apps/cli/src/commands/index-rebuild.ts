import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { rebuildIndex, RebuildInterrupted, type RebuildStep } from '@millrace/indexer';
import { newId } from '@millrace/model';
import { createLogger, createMetrics, loadConfiguration } from '@millrace/service';
import { openAdapters } from '../adapters.js';
import type { CommandContext } from '../context.js';
import { makeDataFolder, makePrivateFilesOnly } from '../data-folder.js';
import { EXIT } from '../exit-code.js';
import { noIndex } from '../index-adapter.js';
import { interruptible } from '../interruption.js';
import { settingsFrom } from '../server-flags.js';

export interface IndexRebuildFlags {
  readonly config?: string;
  readonly data?: string;
  readonly logLevel?: string;
}

/** How far it is, is said no more often. */
const SAY_EVERY_MS = 2_000;

/** `millrace index rebuild`: makes the index anew from Kafka's topics while the cluster runs. */
export async function indexRebuild(flags: IndexRebuildFlags, context: CommandContext): Promise<number> {
  const { clock, stdout } = context;
  const configuration = loadConfiguration({
    ...(flags.config === undefined ? {} : { file: resolve(context.workingDirectory, flags.config) }),
    workingDirectory: context.workingDirectory,
    environment: context.environment,
    flags: settingsFrom([
      ['data.path', '--data', flags.data],
      ['logging.level', '--log-level', flags.logLevel],
    ]),
  });
  if (configuration.repository.type !== 'elasticsearch') throw noIndex('index rebuild');
  const dataFolder = resolve(context.workingDirectory, configuration.data.path);
  makePrivateFilesOnly();
  makeDataFolder(dataFolder);
  const log = createLogger({ ...configuration.logging, destination: context.stderr });
  const instance = newId(clock.now(), randomBytes(16));
  const adapters = await openAdapters({ configuration, dataFolder, clock, log, instance });
  try {
    const { index } = adapters;
    if (index === undefined) throw noIndex('index rebuild');
    const store = await index.open();
    const say = sayer(context);
    await interruptible(context, async (signal) =>
      rebuildIndex({
        queue: index.queue,
        topics: adapters.topics,
        store,
        clock,
        log,
        metrics: createMetrics({ process: false }),
        batchSize: configuration.indexer.batchSize,
        refreshIntervalMs: configuration.indexer.refreshInterval,
        signal,
        onStep: (step) => say(step),
      }),
    );
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof RebuildInterrupted)) throw error;
    stdout.write('Interrupted: searches go on as before. Start it again whenever you like.\n');
    return EXIT.interrupted;
  } finally {
    await adapters.closing.stop();
  }
}

function sayer({ clock, stdout }: CommandContext): (step: RebuildStep) => void {
  const said = new Map<string, number>();
  return (step) => {
    const now = clock.now();
    if (step.kind === 'read') {
      if (now - (said.get(step.topic) ?? 0) < SAY_EVERY_MS) return;
      said.set(step.topic, now);
    }
    stdout.write(`${sentenceOf(step)}\n`);
  };
}

const number = new Intl.NumberFormat('en-US');

function sentenceOf(step: RebuildStep): string {
  switch (step.kind) {
    case 'copied':
      return `Generation ${step.generation} has a copy of the index; reading the topics from their beginning`;
    case 'read':
      return `${step.topic}: at ${number.format(step.records)} of ${number.format(step.of)}`;
    case 'moving':
      return step.indexers === 1
        ? 'Nothing is missing; the indexer that runs goes on with the new generation'
        : `Nothing is missing; the ${step.indexers} indexers that run go on with the new generation`;
    case 'done':
      return step.wasNearlyDone
        ? `An earlier rebuild had all but ended: searches find generation ${step.generation}`
        : `Searches find generation ${step.generation} now`;
    default:
      return step satisfies never;
  }
}
