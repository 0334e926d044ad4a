import type { Role } from './roles.js';
import type { StartedServer } from './server.js';

/** One server of the cluster; after its end another takes its place. */
export class Member {
  #server: StartedServer;

  /** @param at its place among those of its role, from 0 */
  constructor(
    readonly role: Role,
    readonly at: number,
    server: StartedServer,
    private readonly startAnother: () => Promise<StartedServer>,
  ) {
    this.#server = server;
  }

  get name(): string {
    return `${this.role}-${this.at}`;
  }

  get url(): string {
    return this.#server.url;
  }

  get pid(): number {
    return this.#server.process.pid;
  }

  /** Resolves when the server that runs now has ended, for whatever reason. */
  get ended(): Promise<unknown> {
    return this.#server.ended;
  }

  /** kill -9, then another in its place. */
  async replace(): Promise<void> {
    await this.#server.kill();
    this.#server = await this.startAnother();
  }

  freeze(): void {
    this.#server.freeze();
  }

  thaw(): void {
    this.#server.thaw();
  }

  /** The last lines that the server has printed. */
  output(): string {
    return this.#server.output();
  }

  kill(): Promise<void> {
    this.#server.thaw();
    return this.#server.kill();
  }

  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null> {
    return this.#server.stop();
  }

  /** Another one after its end. */
  async start(): Promise<void> {
    this.#server = await this.startAnother();
  }
}
