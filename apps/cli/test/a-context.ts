import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { systemClock, type Environment } from '@millrace/service';
import type { CommandContext } from '@millrace/cli';

/** What a command wrote. */
export class Captured extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.emit('text');
    done();
  }

  /** Resolves when it was written, which may be before the call. */
  async has(text: string | RegExp): Promise<void> {
    while (this.text.match(text) === null) await once(this, 'text');
  }
}

export interface TestContext extends CommandContext {
  readonly stdout: Captured;
  readonly stderr: Captured;
  readonly signals: EventEmitter;
  cleanUp(): void;
}

/** A process of its own folder for a command under test. */
export function aContext(environment: Environment = {}): TestContext {
  const workingDirectory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  return {
    stdout: new Captured(),
    stderr: new Captured(),
    environment,
    workingDirectory,
    signals: new EventEmitter(),
    clock: systemClock,
    exitNow: (code) => {
      throw new Error(`The command wanted to exit at once with ${code}`);
    },
    cleanUp: () => rmSync(workingDirectory, { recursive: true, force: true }),
  };
}
