/**
 * The processes of one launch and their end. Whatever happens, closing the group leaves none behind: workers first, then
 * the coordinator, then the broker, each asked before it is killed.
 */
import { rm } from 'node:fs/promises';
import { endsWithin, startChild, type Child, type ChildSpec } from './child-process.js';

const END_DEADLINE_MS = 5_000;

export class ProcessGroup implements AsyncDisposable {
  readonly #children: Child[] = [];
  readonly #kill: AbortSignal;
  readonly #folder: string;

  /**
   * @param folder removed when the group is closed
   * @param kill aborting kills every process at once
   */
  constructor(folder: string, kill: AbortSignal) {
    this.#folder = folder;
    this.#kill = kill;
    kill.addEventListener('abort', this.#killAll);
  }

  /** Starts a process that ends with the group. */
  start(spec: ChildSpec): Child {
    const child = startChild(spec);
    this.adopt(child);
    return child;
  }

  /** Takes over a process that was started elsewhere. */
  adopt(child: Child): void {
    this.#children.push(child);
    if (this.#kill.aborted) child.kill();
  }

  /** Ends what still runs, last started first, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const workers = this.#children.filter(({ name }) => name.startsWith('worker-'));
    const others = this.#children.filter((child) => !workers.includes(child)).reverse();
    await Promise.all(workers.map(endChild));
    for (const child of others) await endChild(child);
    this.#kill.removeEventListener('abort', this.#killAll);
    await rm(this.#folder, { recursive: true, force: true });
  }

  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill();
  };
}

async function endChild(child: Child): Promise<void> {
  // A closed stdin is what all our children end by, the broker's guard included.
  child.release();
  if (await endsWithin(child, END_DEADLINE_MS)) return;
  child.kill();
  await child.ended;
}
