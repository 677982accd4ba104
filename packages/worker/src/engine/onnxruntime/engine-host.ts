/**
 * The main thread's handle on the engine thread: runs are queued, one at a time, and a thread that dies fails them all.
 */
import { Worker } from 'node:worker_threads';
import { parseErrorCode, TrainingError } from '@facet/shared';
import type { EnginePlan, EngineReply, EngineRequest, RunRequest } from '../engine-protocol.js';

export interface EngineHost {
  /** Runs a binding once; copies the named buffers in first. Runs are served in the order asked. */
  run(request: RunRequest): Promise<void>;
  close(): Promise<void>;
}

/** Longest wait for a single run; a micro-batch that takes longer is too large for its worker. */
const RUN_TIMEOUT_MS = 300_000;
/** Longest wait for the engine thread to release its sessions. */
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Starts the engine thread; resolves when its sessions are made.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE when the device does not work here.
 */
export async function startEngine(plan: EnginePlan): Promise<EngineHost> {
  // The thread runs compiled code in tests too; both src/engine/onnxruntime and dist/engine/onnxruntime lie three levels below the package.
  const thread = new Worker(new URL('../../../dist/engine/onnxruntime/engine-thread.js', import.meta.url), {
    workerData: plan,
  });
  let failure: TrainingError | undefined;
  let pending: ((reply: EngineReply) => void) | undefined;
  thread.on('message', (reply: EngineReply) => pending?.(reply));
  const onEnd = (error: TrainingError): void => {
    failure ??= error;
    pending?.({ kind: 'failed', code: failure.code, message: failure.message });
  };
  thread.on('error', (error) => {
    onEnd(TrainingError.from(error));
  });
  thread.on('exit', (code) => {
    onEnd(new TrainingError('INTERNAL', `the engine thread ended with exit code ${code}`));
  });

  const nextReply = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        onEnd(
          new TrainingError(
            'STEP_TIMEOUT',
            `the engine did not answer within ${RUN_TIMEOUT_MS} ms; use a smaller batch.micro`,
          ),
        );
      }, RUN_TIMEOUT_MS);
      pending = (reply) => {
        pending = undefined;
        clearTimeout(timer);
        if (reply.kind === 'failed') reject(new TrainingError(parseErrorCode(reply.code), reply.message));
        else resolve();
      };
    });

  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => {
      resolve();
    });
  });
  const ask = (request: EngineRequest): void => {
    thread.postMessage(request);
  };
  const close = async (): Promise<void> => {
    failure ??= new TrainingError('CANCELLED', 'the engine is closed');
    ask({ kind: 'close' });
    const timer = setTimeout(() => void thread.terminate(), CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  };

  try {
    await nextReply();
  } catch (caught) {
    await close();
    throw caught;
  }
  let last: Promise<void> = Promise.resolve();
  return {
    run(request) {
      const run = last.then(() => {
        if (failure !== undefined) throw failure;
        const replied = nextReply();
        ask({ kind: 'run', ...request });
        return replied;
      });
      last = run.catch(() => undefined);
      return run;
    },
    async close() {
      await last;
      await close();
    },
  };
}
