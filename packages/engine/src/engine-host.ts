/**
 * The training loop's handle on an engine that computes beside it. Runs are queued and served one at a time, and every wait has
 * a deadline. If the engine ends, all runs fail. The link decides whether the engine is a thread or a process.
 */
import { parseErrorCode, TrainingError } from '@facet/shared';
import type { EngineReply, EngineRequest, RunRequest } from './engine-protocol.js';

export interface EngineHost {
  /** Runs a binding once; copies the named buffers in first. Runs are served in the order asked. */
  run(request: RunRequest): Promise<void>;
  /** Waits for the runs asked before, then ends the engine. */
  close(): Promise<void>;
}

/** The way to an engine: requests go out, each is answered once, and the end is told once. */
export interface EngineLink {
  send(request: EngineRequest): void;
  /** Called once, before anything is sent. */
  listen(listener: LinkListener): void;
  /** Settles when the engine has ended. */
  readonly ended: Promise<void>;
  /** Ends the engine by force. */
  kill(): void;
}

export interface LinkListener {
  readonly onReply: (reply: EngineReply) => void;
  /** The engine ended, or cannot be talked to. */
  readonly onEnd: (error: TrainingError) => void;
}

export interface HostDeadlines {
  /** Longest wait for the engine to be ready. */
  readonly startMs: number;
  /** Longest wait for a single run. */
  readonly runMs: number;
  /** Longest wait for the engine to end by itself. */
  readonly closeMs: number;
}

/** A micro-batch that takes longer than `runMs` is too large for its worker. */
export const HOST_DEADLINES: HostDeadlines = { startMs: 300_000, runMs: 300_000, closeMs: 10_000 };

/**
 * Waits until the engine behind the link is ready, and serves it.
 *
 * @throws TrainingError what the engine failed with, or STEP_TIMEOUT; the engine is ended then.
 */
export async function hostEngine(link: EngineLink, deadlines: HostDeadlines = HOST_DEADLINES): Promise<EngineHost> {
  let failure: TrainingError | undefined;
  let pending: ((reply: EngineReply) => void) | undefined;
  const fail = (error: TrainingError): void => {
    failure ??= error;
    pending?.({ kind: 'failed', code: failure.code, message: failure.message });
  };
  link.listen({ onReply: (reply) => pending?.(reply), onEnd: fail });

  const nextReply = (deadlineMs: number, advice: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        fail(new TrainingError('STEP_TIMEOUT', `the engine did not answer within ${deadlineMs} ms; ${advice}`));
      }, deadlineMs);
      pending = (reply) => {
        pending = undefined;
        clearTimeout(timer);
        if (reply.kind === 'failed') reject(new TrainingError(parseErrorCode(reply.code), reply.message));
        else resolve();
      };
    });

  const close = async (): Promise<void> => {
    failure ??= new TrainingError('CANCELLED', 'the engine is closed');
    link.send({ kind: 'close' });
    const timer = setTimeout(() => {
      link.kill();
    }, deadlines.closeMs);
    await link.ended;
    clearTimeout(timer);
  };

  try {
    await nextReply(deadlines.startMs, 'it never became ready: `facet doctor` says what works here');
  } catch (caught) {
    await close();
    throw caught;
  }
  let last: Promise<void> = Promise.resolve();
  return {
    run(request) {
      const run = last.then(() => {
        if (failure !== undefined) throw failure;
        const replied = nextReply(deadlines.runMs, 'use a smaller batch.micro');
        link.send({ kind: 'run', ...request });
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
