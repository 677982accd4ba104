/**
 * The way to the engine process. Buffers that a request names go over as copies, and what comes back is copied into the
 * shared buffers before anybody hears of it. What the process prints goes to stderr, never to stdout, and its last words are
 * part of the error when it dies.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadsOrCores, TrainingError, visibleText } from '@facet/shared';
import { formatEngine } from '../engine-id.js';
import type { EngineLink, LinkListener } from '../engine-host.js';
import { cudaLibraryPath } from './binding-folder.js';
import type { BufferValues, ProcessPlan, ProcessReply, ProcessRequest } from './process-protocol.js';

export interface ProcessLinkOptions {
  readonly plan: ProcessPlan;
  /** The buffers of the plan, as the training loop reads and writes them. */
  readonly buffers: BufferValues;
  /** Threads of one operation. */
  readonly threads: number;
}

export interface ProcessLink extends EngineLink {
  /** The id of the process; undefined when it could not be started. */
  readonly pid: number | undefined;
}

/** Longest text kept of what the process printed last. */
const LAST_WORDS_LENGTH = 2_000;

/** Starts the engine process; it replies once when its backend works: ENGINE_UNAVAILABLE when that does not load. */
export function openProcessLink({ plan, buffers, threads }: ProcessLinkOptions): ProcessLink {
  const title = formatEngine(plan.engine);
  // The process runs compiled code in tests too; src/tfjs and dist/tfjs lie two levels below the package.
  const file = fileURLToPath(new URL('../../dist/tfjs/engine-process.js', import.meta.url));
  const child = fork(file, {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...processEnvironment(plan, threads) },
  });
  const lastWords = forwardOutput(child);
  let listener: LinkListener | undefined;
  const end = (reason: string, cause?: unknown): void => {
    const said = lastWords();
    listener?.onEnd(
      new TrainingError('INTERNAL', `the process of engine ${title} ${reason}${said && `; it last said: ${said}`}`, {
        cause,
      }),
    );
  };
  const send = (request: ProcessRequest): void => {
    // A process that has ended says so by itself.
    if (!child.connected) return;
    child.send(request, (error) => {
      if (error !== null) end(`cannot be reached: ${error.message}`, error);
    });
  };
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}, by hand or for want of memory`);
      resolve();
    });
    child.once('error', (error) => {
      end(`cannot be started: ${error.message}`, error);
      if (child.pid === undefined) resolve();
    });
  });
  return {
    pid: child.pid,
    send(request) {
      if (request.kind === 'close') send(request);
      else send({ ...request, buffers: Object.fromEntries(request.copyIn.map((name) => [name, buffers[name]!])) });
    },
    listen(theListener) {
      listener = theListener;
      child.on('message', (reply: ProcessReply) => {
        if (reply.kind !== 'done') return theListener.onReply(reply);
        for (const [name, values] of Object.entries(reply.buffers)) buffers[name]!.set(values);
        theListener.onReply({ kind: 'done' });
      });
      send({ kind: 'start', plan });
    },
    ended,
    kill() {
      child.kill('SIGKILL');
    },
  };
}

/** What TensorFlow reads from its environment, because its binding passes no options on. What the user has set stays. */
function processEnvironment({ engine, binding }: ProcessPlan, threads: number): NodeJS.ProcessEnv {
  if (engine.name === 'tfjs-cpu') return {};
  const { env } = process;
  const cuda = binding === undefined ? '' : cudaLibraryPath(binding);
  return {
    TF_NUM_INTRAOP_THREADS: String(threadsOrCores(threads)),
    // Operations are called one after the other.
    TF_NUM_INTEROP_THREADS: '1',
    // On some processors the products of oneDNN add in an order that depends on the number of threads.
    TF_ENABLE_ONEDNN_OPTS: env.TF_ENABLE_ONEDNN_OPTS ?? '0',
    // Errors only: at the default level it greets.
    TF_CPP_MIN_LOG_LEVEL: env.TF_CPP_MIN_LOG_LEVEL ?? '2',
    ...(engine.name === 'tensorflow-gpu' && {
      // One GPU may serve several workers, and one run must give one result: no float32 product in 10 bits, no atomic sums.
      TF_FORCE_GPU_ALLOW_GROWTH: env.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true',
      TF_DETERMINISTIC_OPS: env.TF_DETERMINISTIC_OPS ?? '1',
      NVIDIA_TF32_OVERRIDE: env.NVIDIA_TF32_OVERRIDE ?? '0',
    }),
    ...(cuda !== '' && { LD_LIBRARY_PATH: [cuda, env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter) }),
  };
}

/** What a native library prints may hold commands to a terminal; line by line, because a long text would be cut. */
function printable(text: string): string {
  return text.split('\n').map(visibleText).join('\n');
}

/** Sends both outputs to our stderr; the returned function gives the end of what was printed, in one line. */
function forwardOutput(child: ChildProcess): () => string {
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(printable(text));
      tail = (tail + printable(text)).slice(-LAST_WORDS_LENGTH);
    });
  }
  const isTold = (line: string): boolean => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line);
  return () => tail.split('\n').filter(isTold).slice(-3).join(' | ');
}
