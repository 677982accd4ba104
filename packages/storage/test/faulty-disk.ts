/**
 * The disk in a test's hands: it counts every call that changes something and, at the one that was chosen, refuses it, or
 * kills the process before it, half-way through a write, or together with the power. Put it under the code with
 * `vi.mock('node:fs/promises', ...)`. A killed process does nothing more: not even what it does about its own failure.
 */
import type * as files from 'node:fs/promises';

type Files = typeof files;
type Handle = files.FileHandle;

export const ERROR_CODES = ['ENOSPC', 'EROFS', 'EIO'] as const;

export type DiskFault =
  | { readonly kind: 'error'; readonly code: (typeof ERROR_CODES)[number] }
  /** Before the call; with `torn`, in the middle of it when it writes. With the power, what was not synced is lost too. */
  | { readonly kind: 'kill' | 'torn' | 'power-cut' };

export interface Armed {
  readonly fault: DiskFault;
  /** The number of the call, from 0; every call when it is absent. */
  readonly at?: number;
  /** Only calls whose path contains it. */
  readonly path: string;
}

export class FaultyDisk {
  /** The calls since the disk was armed. */
  readonly calls: string[] = [];
  readonly #unsynced = new Map<string, number>();
  #armed: Armed | undefined;
  #real: Files | undefined;
  #isDead = false;

  arm(armed: Armed): void {
    this.heal();
    this.#armed = armed;
  }

  /** From here on the disk is sound, and a process that was killed is another one. */
  heal(): void {
    this.#armed = undefined;
    this.#isDead = false;
    this.calls.length = 0;
    this.#unsynced.clear();
  }

  /** The module `node:fs/promises` over this disk. */
  over(real: Files): Files {
    this.#real = real;
    const { mkdir, rename, rm } = real;
    return {
      ...real,
      mkdir: ((path: string, options) => this.#call('mkdir', path, () => mkdir(path, options))) as Files['mkdir'],
      rename: ((from: string, to: string) =>
        this.#call('rename', to, async () => {
          await rename(from, to);
          this.#move(from, to);
        })) as Files['rename'],
      rm: ((path: string, options) => this.#call('rm', path, () => rm(path, options))) as Files['rm'],
      open: ((path: string, flags?: string | number, mode?: number) =>
        flags === 'r' || typeof flags === 'number'
          ? this.#read(path, flags)
          : this.#call('open', path, () => this.#open(path, flags, mode))) as Files['open'],
    };
  }

  /** A disk that is full can still be read. */
  async #read(path: string, flags: string | number): Promise<Handle> {
    if (this.#isDead) throw new Error('the process is dead');
    return this.#open(path, flags);
  }

  async #open(path: string, flags?: string | number, mode?: number): Promise<Handle> {
    return this.#watch(await this.#real!.open(path, flags, mode), path);
  }

  #watch(handle: Handle, path: string): Handle {
    const write = (name: 'writeFile' | 'appendFile') => (content: string | Uint8Array) =>
      this.#call(
        name,
        path,
        async () => {
          const { size } = await handle.stat();
          if (!this.#unsynced.has(path)) this.#unsynced.set(path, size);
          await handle[name](content);
        },
        () => handle[name](content.slice(0, content.length >> 1)),
      );
    // What is synced is this disk's own to know; a real sync would only cost time.
    const sync = (name: 'sync' | 'datasync') => () =>
      this.#call(name, path, () => {
        this.#unsynced.delete(path);
        return Promise.resolve();
      });
    const watched: Record<string, unknown> = {
      writeFile: write('writeFile'),
      appendFile: write('appendFile'),
      sync: sync('sync'),
      datasync: sync('datasync'),
      truncate: (length: number) => this.#call('truncate', path, () => handle.truncate(length)),
    };
    return new Proxy(handle, {
      get(target, key) {
        const found: unknown = watched[key as string] ?? Reflect.get(target, key, target);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
  }

  async #call<T>(
    name: string,
    path: string,
    act: () => Promise<T>,
    tear: () => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    if (this.#isDead) throw new Error('the process is dead');
    const armed = this.#armed;
    if (armed === undefined || !path.includes(armed.path)) return act();
    const number = this.calls.push(name) - 1;
    if (armed.at !== undefined && armed.at !== number) return act();
    const { fault } = armed;
    if (fault.kind === 'error') {
      throw Object.assign(new Error(`${fault.code}: ${name} was refused, ${path}`), { code: fault.code });
    }
    this.#isDead = true;
    if (fault.kind === 'torn') await tear();
    if (fault.kind === 'power-cut') await this.#loseUnsynced();
    throw new Error('the process is dead');
  }

  async #loseUnsynced(): Promise<void> {
    for (const [path, size] of this.#unsynced) await this.#real?.truncate(path, size);
  }

  #move(from: string, to: string): void {
    for (const [path, size] of [...this.#unsynced]) {
      if (!path.startsWith(from)) continue;
      this.#unsynced.delete(path);
      this.#unsynced.set(to + path.slice(from.length), size);
    }
  }
}
