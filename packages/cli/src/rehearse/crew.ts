/** One process of workers of a rehearsal, as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromCrew, ToCrew } from './crew-messages.js';

const SCRIPT = fileURLToPath(new URL('./crew-process.js', import.meta.url));

const END_MS = 5_000;

export interface CrewEnd {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly message: string;
}

export class Crew implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Of a process that was not killed. */
  readonly workersEnded: Promise<CrewEnd>;
  readonly loaded: Promise<void>;
  readonly #gone: Promise<void>;

  constructor(env: NodeJS.ProcessEnv, onMessage: (message: FromCrew) => void) {
    this.#child = fork(SCRIPT, [], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let settleLoaded: () => void = () => undefined;
    let settleEnded: (end: CrewEnd) => void = () => undefined;
    this.loaded = new Promise((resolve) => (settleLoaded = resolve));
    this.workersEnded = new Promise((resolve) => (settleEnded = resolve));
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        settleLoaded();
        settleEnded({ outcomes: {}, message: `the process of its workers ended with ${signal ?? code}` });
        resolve();
      });
    });
    // A message to a process that is gone is no news: its end is.
    this.#child.on('error', () => undefined);
    this.#child.on('message', (message: FromCrew) => {
      if (message.kind === 'loaded') settleLoaded();
      if (message.kind === 'ended') settleEnded(message);
      onMessage(message);
    });
  }

  tell(message: ToCrew): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** Kills all of its workers at once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  /** Lets the process end by itself, for a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await this.#gone;
    clearTimeout(patience);
  }
}
