/**
 * The end of an ssh launch on a host: a `facet` that starts the workers of this host as its launch says, sends on what they
 * write, and starts others in the place of those that died. Everything ends with the connection: when stdin ends, and when
 * the launch has not been heard of for too long, because a host that was cut off is told nothing.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { withoutConfigVariables, withoutOperatorToken, withTokenFile, writeWhole } from '@facet/shared';
import type { Environment } from '../../context.js';
import { EXIT, type ExitCode } from '../../exit-codes.js';
import { endsWithin, watchChild, type Child } from '../child-process.js';
import { failureIn } from '../log-tail.js';
import { facetCommand } from '../run-processes.js';
import { WorkerCrew, type WorkerFailure } from '../worker-crew.js';
import { onEachLine } from './bounded-lines.js';
import {
  formatMessage,
  parseToHost,
  shortened,
  type HostIdentity,
  type HostOrder,
  type MessageFromHost,
} from './host-messages.js';

/** The launch says that it lives every few seconds. */
export const SILENCE_MS = 30_000;
/** A worker that is told to stop ends its generation first. */
const LEAVE_MS = 20_000;
const END_MS = 5_000;
const DRAIN_MS = 1_000;
/** Lines that say why a worker ended. */
const TAIL_LINES = 40;
/** What may wait for a slow connection. Beyond it, lines of workers are left out. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

export interface HostSide {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly env: Environment;
  readonly codeVersion: string;
  /** Aborted when this host wants its processes to end. */
  readonly stop: AbortSignal;
}

/** Runs the workers that the launch orders, to their end. */
export async function runHostWorkers(side: HostSide): Promise<ExitCode> {
  const { stdin, stdout, env, codeVersion, stop } = side;
  const send = (message: MessageFromHost): void => {
    if (message.kind === 'line' && stdout.writableLength > MOST_WAITING_BYTES) return;
    stdout.write(formatMessage(message));
  };
  const lost = new AbortController();
  const watchdog = setTimeout(() => {
    lost.abort();
  }, SILENCE_MS);
  let host: OrderedWorkers | undefined;
  let onOrdered: (workers: OrderedWorkers | undefined) => void = () => undefined;
  const ordered = new Promise<OrderedWorkers | undefined>((resolve) => {
    onOrdered = resolve;
  });
  const ended = onEachLine(stdin, (line) => {
    watchdog.refresh();
    const message = parseToHost(line);
    if (message?.kind === 'order') {
      host ??= new OrderedWorkers(message, { env, send });
      onOrdered(host);
    } else if (message?.kind === 'identity') void host?.renew(message.identity);
  });
  void ended.then(() => {
    lost.abort();
  });
  lost.signal.addEventListener('abort', () => {
    onOrdered(undefined);
  });
  stop.addEventListener('abort', () => {
    onOrdered(undefined);
  });
  send({ kind: 'hello', codeVersion, connection: env['SSH_CONNECTION'] ?? '' });
  try {
    const workers = await ordered;
    return workers === undefined ? EXIT.again : await workers.run({ lost: lost.signal, stop });
  } finally {
    clearTimeout(watchdog);
    stdin.destroy();
  }
}

interface HostMachine {
  readonly env: Environment;
  readonly send: (message: MessageFromHost) => void;
}

interface RunningWorker {
  /** What it wrote last. */
  readonly tail: readonly string[];
  /** All of it was read: the end of a process may be told before that. */
  readonly drained: Promise<unknown>;
}

/** The workers of one order, and the private folder of their secrets. */
class OrderedWorkers {
  readonly #order: HostOrder;
  readonly #machine: HostMachine;
  readonly #workers = new Map<Child, RunningWorker>();
  #folder: string | undefined;
  #isOver = false;
  #lastFailure: { readonly code: string; readonly message: string } | undefined;

  constructor(order: HostOrder, machine: HostMachine) {
    this.#order = order;
    this.#machine = machine;
  }

  /** Takes new certificates. */
  async renew(identity: HostIdentity): Promise<void> {
    if (this.#folder === undefined) return;
    const { writeTlsFolder } = await import('@facet/security/authority');
    await writeTlsFolder(path.join(this.#folder, 'tls'), identity);
  }

  async run({ lost, stop }: { readonly lost: AbortSignal; readonly stop: AbortSignal }): Promise<ExitCode> {
    const { workers: count, maxRestarts, token, identity } = this.#order;
    const folder = await mkdtemp(path.join(tmpdir(), 'facet-host-'));
    this.#folder = folder;
    try {
      await writeWhole(path.join(folder, 'run.token'), `${token}\n`, 'owner');
      if (identity !== undefined) await this.renew(identity);
      if (lost.aborted || stop.aborted) return EXIT.again;
      const crew = new WorkerCrew({
        count,
        maxRestarts,
        start: (index) => this.#start(index, folder),
        failureOf: (child) => this.#failureOf(child),
        isOver: () => this.#isOver,
        onDied: ({ worker, how, living, restart }) => {
          const { error } = failureIn(this.#workers.get(worker)?.tail ?? [], worker.end());
          this.#lastFailure = { code: error?.code ?? 'INTERNAL', message: error?.message ?? how };
          this.#machine.send({ kind: 'died', worker: worker.name, how: shortened(how), living, restart });
        },
        wait: (ms) => delay(ms, undefined, { signal: lost }).catch(() => undefined),
      });
      await Promise.race([crew.gone, aborted(lost), aborted(stop)]);
      this.#isOver = true;
      await this.#end(lost.aborted ? 'at-once' : 'in-order');
      const failed = crew.firstFailed;
      const error = failed === undefined ? undefined : this.#lastFailure;
      this.#machine.send({ kind: 'ended', ...(error !== undefined && { error }) });
      if (lost.aborted || stop.aborted) return EXIT.again;
      return failed === undefined ? EXIT.ok : EXIT.failed;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #failureOf(child: Child): Promise<WorkerFailure> {
    const worker = this.#workers.get(child);
    // What a worker started may hold its pipes for longer.
    await Promise.race([worker?.drained, delay(DRAIN_MS)]);
    return failureIn(worker?.tail ?? [], child.end());
  }

  #start(index: number, folder: string): Child {
    const { coordinator, listen, identity, hasPlainMetrics, logLevel } = this.#order;
    const { env, send } = this.#machine;
    const name = `worker-${index}`;
    const secure = identity === undefined ? ['--insecure'] : ['--tls', path.join(folder, 'tls')];
    const plain = hasPlainMetrics ? ['--plain-metrics'] : [];
    const places = ['--coordinator', coordinator, '--listen', listen, ...secure, ...plain];
    const { command, args } = facetCommand(['worker', ...places, '--json', '--exit-with-parent']);
    const own = withoutOperatorToken(withTokenFile(withoutConfigVariables(env), path.join(folder, 'run.token')));
    const spawned = spawn(command, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...own, ...(logLevel !== undefined && { FACET_LOG_LEVEL: logLevel }) },
    });
    const tail: string[] = [];
    const take = (text: string): void => {
      tail.push(text);
      if (tail.length > TAIL_LINES) tail.shift();
      send({ kind: 'line', worker: name, text: shortened(text) });
    };
    const drained = Promise.all([spawned.stdout, spawned.stderr].map((stream) => onEachLine(stream, take)));
    const child = watchChild(spawned, {
      name,
      // The launch keeps it.
      logFile: '',
      logStart: 0,
      onNotStarted: (reason) => {
        take(`cannot start ${command}: ${reason}`);
      },
    });
    this.#workers.set(child, { tail, drained });
    return child;
  }

  /** Leaves no worker behind. */
  async #end(how: 'at-once' | 'in-order'): Promise<void> {
    const living = [...this.#workers.keys()].filter((child) => child.end() === undefined);
    if (how === 'in-order') {
      for (const child of living) child.signal('SIGTERM');
      await Promise.all(living.map((child) => endsWithin(child, LEAVE_MS)));
    }
    for (const child of living) child.release();
    await Promise.all(living.map((child) => endsWithin(child, END_MS)));
    for (const child of living) child.kill();
    await Promise.all(living.map(({ ended }) => ended));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
