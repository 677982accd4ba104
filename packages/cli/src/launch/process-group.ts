/**
 * The processes of one launch and their end. Whatever happens, closing the group leaves none behind: workers first, then
 * the coordinator, then the broker, each asked before it is killed.
 */
import { appendFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describeEnd, endsWithin, startChild, type Child, type ChildEnd, type ChildSpec } from './child-process.js';

export type Role = 'broker' | 'coordinator' | 'worker';

const END_DEADLINE_MS = 5_000;
const ENDING_ORDER: readonly Role[] = ['worker', 'coordinator', 'broker'];

export class ProcessGroup implements AsyncDisposable {
  readonly #children: { readonly role: Role; readonly child: Child }[] = [];
  readonly #notes: Promise<void>[] = [];
  readonly #kill: AbortSignal;
  readonly #folder: string;

  /**
   * @param folder removed when the group is closed
   * @param kill aborting ends every process at once
   */
  constructor(folder: string, kill: AbortSignal) {
    this.#folder = folder;
    this.#kill = kill;
    kill.addEventListener('abort', this.#killAll);
  }

  /** Starts a process that ends with the group. */
  start(role: Role, spec: ChildSpec): Child {
    const child = startChild(spec);
    this.adopt(role, child);
    return child;
  }

  /** Takes over a process that was started elsewhere. */
  adopt(role: Role, child: Child): void {
    this.#children.push({ role, child });
    this.#notes.push(child.ended.then((end) => noteEnd(child, end)));
    if (this.#kill.aborted) this.#killAll();
  }

  /** Ends what still runs and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const role of ENDING_ORDER) {
      await Promise.all(this.#children.filter((entry) => entry.role === role).map(({ child }) => endChild(child)));
    }
    await Promise.all(this.#notes);
    this.#kill.removeEventListener('abort', this.#killAll);
    await rm(this.#folder, { recursive: true, force: true });
  }

  readonly #killAll = (): void => {
    for (const { role, child } of this.#children) {
      // The broker is told by its guard, which must live to see its end; that takes no time worth saving.
      if (role === 'broker') child.release();
      else child.kill();
    }
  };
}

async function endChild(child: Child): Promise<void> {
  // A closed stdin is what all our children end by, the broker's guard included.
  child.release();
  if (await endsWithin(child, END_DEADLINE_MS)) return;
  child.kill();
  await child.ended;
}

/** Beside the logs of the children: what a process cannot say of itself. An account of the run reads it. */
async function noteEnd({ name, pid, logFile }: Child, end: ChildEnd): Promise<void> {
  const line = { level: 30, time: Date.now(), role: 'launch', child: name, pid, how: describeEnd(end) };
  const text = `${JSON.stringify({ ...line, msg: 'a process ended' })}\n`;
  // A full disk is no reason to disturb the others.
  await appendFile(path.join(path.dirname(logFile), 'launch.log'), text, { mode: 0o600 }).catch(() => undefined);
}
