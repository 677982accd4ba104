/**
 * Probes an engine in a process of its own. If a driver crashes, only that process dies. If it hangs, the process is killed at
 * a deadline. Both are ordinary results.
 */
import { fork } from 'node:child_process';
import { TrainingError } from '@facet/shared';
import type { TaskReference } from '@facet/task';
import type { EngineId } from './engine-id.js';
import type { EngineProbe, TimedProgram } from './probe.js';

export interface ProbeRequest {
  readonly engine: EngineId;
  readonly timed: TimedProgram;
}

/** What the process is told: a task has functions, which do not travel. */
export interface ProbeMessage {
  readonly engine: EngineId;
  readonly timed: Omit<TimedProgram, 'task'> & { readonly task: TaskReference };
}

export interface ProbeApartOptions {
  /** Longest wait for the answer. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The module that answers; another one in tests. */
  readonly module?: URL;
}

/** The end of what the process wrote; a crash explains itself in its last lines, if at all. */
const STDERR_TAIL = 4_096;

/**
 * Probes one engine; whatever happens to the process is the result.
 *
 * @throws TrainingError CANCELLED when the signal aborts.
 */
export function probeEngineApart(request: ProbeRequest, options: ProbeApartOptions): Promise<EngineProbe> {
  // Compiled code in tests too: src and dist lie beside each other.
  const { deadlineMs, signal, module = new URL('../dist/probe-process.js', import.meta.url) } = options;
  const { engine, timed } = request;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    // NaN and Infinity survive the advanced serialization only.
    const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [], serialization: 'advanced' });
    let told = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (told = (told + text).slice(-STDERR_TAIL)));

    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      // It has nothing left to do, and some drivers crash or hang on the way out.
      child.kill('SIGKILL');
      settle();
    };
    const fail = (how: string): void => {
      const detail = `probing it failed: ${how}`;
      const probe = { ...engine, ok: false, detail, milliseconds: undefined, maxRelativeError: undefined };
      finish(() => {
        resolve(probe);
      });
    };
    const onAbort = (): void => {
      finish(() => {
        reject(cancelled());
      });
    };
    const timer = setTimeout(() => {
      fail(`no answer within ${deadlineMs} ms`);
    }, deadlineMs);
    signal?.addEventListener('abort', onAbort);
    child.once('message', (probe) => {
      finish(() => {
        resolve(probe as EngineProbe);
      });
    });
    child.on('error', ({ message }) => {
      fail(message);
    });
    // Not `exit`: what it wrote last may still be on its way.
    child.once('close', (code, by) => {
      const last = told.trim().split('\n').at(-1) ?? '';
      const how = by === null ? `its process ended with exit code ${code}` : `its process was ended by ${by}`;
      fail(last === '' ? how : `${how} (${last})`);
    });
    const message: ProbeMessage = { engine, timed: { ...timed, task: timed.task.reference } };
    child.send(message, (error) => {
      if (error !== null) fail(error.message);
    });
  });
}

function cancelled(): TrainingError {
  return new TrainingError('CANCELLED', 'the probe was cancelled');
}
