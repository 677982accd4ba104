/**
 * The hosts of a launch while it trains: each is told what to do, and is connected to again when its connection is lost, for as
 * long as restarts are left. Training goes on with the workers of the others meanwhile.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { PRIVATE_FILE, TrainingError } from '@facet/shared';
import type { Child } from '../child-process.js';
import { isTrouble, readable } from '../log-tail.js';
import { restartNote, WorkerCrew, type WorkerFailure } from '../worker-crew.js';
import type { HostEntry } from './hosts-file.js';
import type { HostLink } from './host-link.js';
import type { HostIdentity, HostOrder, MessageFromHost } from './host-messages.js';

/** A host whose first connection stands. */
export interface ConnectedHost {
  readonly entry: HostEntry;
  readonly link: HostLink;
  /** Makes another connection. */
  readonly connect: () => HostLink;
  /** What the host says from now on is for this listener. */
  listen(listener: HostListener): void;
}

export interface HostListener {
  onMessage(message: MessageFromHost): void;
  onWords(line: string): void;
}

export interface HostCrewOptions {
  readonly hosts: readonly ConnectedHost[];
  readonly maxRestarts: number;
  /** Where logs of workers are kept. */
  readonly logs: string;
  readonly orderFor: (host: ConnectedHost) => Promise<HostOrder>;
  readonly isOver: () => boolean;
  readonly onNote: (note: string) => void;
  readonly wait: (ms: number) => Promise<unknown>;
}

export class HostCrew {
  /** Resolves when no host has workers and none is going to be connected to. */
  readonly gone: Promise<void>;
  readonly #options: HostCrewOptions;
  readonly #crews: readonly WorkerCrew[];
  /** Hosts whose `facet` has ended by itself: what it ended of was told by its workers. */
  readonly #ended = new Set<Child>();
  readonly #living = new Map<string, number>();
  readonly #current = new Map<ConnectedHost, HostLink>();
  #workerRestarts = 0;

  constructor(options: HostCrewOptions) {
    this.#options = options;
    this.#crews = options.hosts.map((host) => this.#crewOf(host));
    this.gone = Promise.all(this.#crews.map(({ gone }) => gone)).then(() => undefined);
  }

  /** Workers and connections that were started in the place of others. */
  get restarts(): number {
    return this.#crews.reduce((sum, { restarts }) => sum + restarts, this.#workerRestarts);
  }

  /** Workers that were ordered. */
  get started(): number {
    return this.#options.hosts.reduce((sum, { entry }) => sum + entry.slots, 0);
  }

  /** The connection that failed first. */
  get firstFailed(): Child | undefined {
    return this.#crews.map(({ firstFailed }) => firstFailed).find((failed) => failed !== undefined);
  }

  /** Gives every host that is connected a new certificate. */
  async renew(identityFor: (host: ConnectedHost) => Promise<HostIdentity>): Promise<void> {
    for (const [host, link] of this.#current) if (link.end() === undefined) link.renew(await identityFor(host));
  }

  #crewOf(host: ConnectedHost): WorkerCrew {
    const { maxRestarts, isOver, wait } = this.#options;
    this.#current.set(host, host.link);
    host.listen({
      onMessage: (message) => {
        this.#onMessage(host, this.#current.get(host)!, message);
      },
      onWords: (line) => {
        this.#note(host, line);
      },
    });
    const links = new Map<Child, HostLink>();
    return new WorkerCrew({
      count: 1,
      maxRestarts,
      start: (index) => {
        const link = index === 0 ? host.link : host.connect();
        this.#current.set(host, link);
        links.set(link, link);
        void this.#order(host, link);
        return link;
      },
      failureOf: (link) => this.#failureOf(links.get(link)!),
      isOver,
      onDied: ({ how, restart, worker: { logFile } }) => {
        this.#living.set(host.entry.name, 0);
        const next =
          restart.kind === 'later' ? `it is connected to again in ${restart.waitMs / 1_000} s` : 'it is left';
        const note = `${next} (restarts: --max-restarts ${maxRestarts})`;
        this.#note(host, `lost: ${how}; training goes on with ${this.#count()}; ${note}; log: ${logFile}`);
      },
      wait,
    });
  }

  async #order(host: ConnectedHost, link: HostLink): Promise<void> {
    try {
      await link.hello;
      link.order(await this.#options.orderFor(host));
      this.#living.set(host.entry.name, host.entry.slots);
    } catch {
      // The end of the connection says why, and is followed.
      link.release();
    }
  }

  async #failureOf(link: HostLink): Promise<WorkerFailure> {
    await link.drained;
    // Its workers ended, and each of them was told of.
    if (this.#ended.has(link)) return { how: 'its workers have ended', error: undefined, isOutcome: true };
    const refused = await link.hello.then(
      () => undefined,
      (caught: unknown) => TrainingError.from(caught),
    );
    const error = refused?.code === 'VERSION_MISMATCH' ? refused : undefined;
    return { how: refused?.message ?? link.why(), error, isOutcome: false };
  }

  #onMessage(host: ConnectedHost, link: HostLink, message: MessageFromHost): void {
    switch (message.kind) {
      case 'hello':
        return;
      case 'line':
        appendFileSync(this.#logOf(host, message.worker), `${message.text}\n`, { mode: PRIVATE_FILE });
        if (!message.text.startsWith('{"error"') && isTrouble(message.text)) {
          this.#note(host, `${message.worker}: ${readable(message.text)}`);
        }
        return;
      case 'died': {
        const { worker, how, living, restart } = message;
        if (restart.kind === 'later') this.#workerRestarts += 1;
        this.#living.set(host.entry.name, living);
        const log = this.#logOf(host, worker);
        this.#note(
          host,
          `${worker} died: ${how}; training goes on with ${this.#count()}; ${restartNote(restart)}; log: ${log}`,
        );
        return;
      }
      case 'ended':
        this.#ended.add(link);
        if (message.error !== undefined) appendFileSync(link.logFile, `${JSON.stringify({ error: message.error })}\n`);
        return;
      default:
        message satisfies never;
    }
  }

  /** Workers that live, as far as this machine knows. */
  #count(): string {
    const count = [...this.#living.values()].reduce((sum, each) => sum + each, 0);
    return count === 1 ? '1 worker' : count === 0 ? 'no worker' : `${count} workers`;
  }

  #logOf({ entry }: ConnectedHost, worker: string): string {
    return path.join(this.#options.logs, `${fileNameOf(`${entry.name}-${worker}`)}.log`);
  }

  #note({ entry }: ConnectedHost, text: string): void {
    this.#options.onNote(`${entry.name}: ${text}`);
  }
}

/** A name of a host or a worker there, as a file may be called. */
export function fileNameOf(name: string): string {
  return name.replaceAll(/[^\w.@+-]/g, '_');
}

/** A name that a certificate may bind a worker to. */
export function grantNameOf(host: string): string {
  return (
    host
      .replaceAll(/[^\w-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64) || 'host'
  );
}
