/**
 * The life of a coordinator after its start, until it ends: by the end of the run, by close, or because another coordinator
 * has the run. Whichever comes first, everything is closed once, in reverse order. The caller says what a result is and what
 * listens.
 */
import { TrainingError } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { Coordinator, Leadership } from '../coordinator.js';
import type { Ending } from '../membership/state.js';
import type { RunAssembly } from './run-assembly.js';

/** Time for workers to receive their Stop before their streams are cut. */
const DRAIN_MS = 2_000;

/**
 * `orderly`: workers are told, and the end is recorded. `at-once`: neither. `handed-over`: the newest checkpoint is where the
 * run lives, and what lies in the broker stays for the next coordinator. `left`: another coordinator leads already.
 */
export type TearDown = 'orderly' | 'at-once' | 'handed-over' | 'left';

export interface RunLifeParts<R> {
  readonly assembly: Pick<
    RunAssembly,
    'conductor' | 'operations' | 'checkpointer' | 'publisher' | 'recorder' | 'intake' | 'fail'
  >;
  readonly folder: {
    /** False once another coordinator has taken the folder over. */
    isHeld(): Promise<boolean>;
    /** Waits until the newest checkpoint is where the run lives. */
    settle(): Promise<void>;
    close(): Promise<void>;
  };
  /** What workers are connected to. */
  readonly server: {
    /** Waits until they have gone, but not longer than this. */
    drain(timeoutMs: number): Promise<void>;
    close(): void;
  };
  /** Ends what else listens. */
  readonly closeOthers: () => Promise<void>;
  /** Called when the run ends, before anything is closed. */
  readonly measure: () => RunReport<R>;
  readonly leadership: Leadership | undefined;
  readonly log: Logger;
}

/** What is known of a run that ended. */
export interface RunReport<R> {
  /** Its result; stored, unless it was closed at once. */
  recorded(how: Ending, way: TearDown): Promise<R>;
  /** The result if the end of the run could not be recorded, or is none. */
  unrecorded(how: Ending): Promise<R>;
}

export interface RunLife<R> extends Pick<
  Coordinator<R>,
  'done' | 'requestStop' | 'requestHandOver' | 'close' | 'stepDown'
> {
  /** The conductor says that the run is over. */
  readonly onEnd: (how: Ending) => void;
  /** Ends the run as failed; not when another coordinator has it. */
  readonly fail: (error: TrainingError) => void;
}

/** The life of an assembly that runs. */
export function createRunLife<R>(parts: RunLifeParts<R>): RunLife<R> {
  const { assembly, folder, server, leadership, log } = parts;
  const { conductor, checkpointer, publisher, recorder, intake } = assembly;

  /** A run has ended when its end is where the run lives. Only then may a worker believe it: before, this process may die. */
  const recordEnd = async ({ outcome }: Ending): Promise<void> => {
    await folder.settle();
    if (outcome === 'handed-over') return;
    const isRecorded = await recorder.append({ kind: 'end', reason: outcome, step: intake.committedStep });
    if (!isRecorded && outcome === 'finished')
      throw new TrainingError('ACCOUNTING', 'the end of the run is not in the ledger, which cannot be written');
  };
  const tearDown = async (way: TearDown, how: Ending): Promise<void> => {
    conductor.close();
    assembly.operations.close();
    await checkpointer.close();
    let told = way === 'orderly' ? how : undefined;
    try {
      if (way === 'orderly' || way === 'handed-over') await recordEnd(how);
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      told &&= { outcome: 'failed', code, message };
      throw caught;
    } finally {
      conductor.sendOff(told);
      if (told !== undefined) await server.drain(DRAIN_MS);
      server.close();
      await parts.closeOthers();
      // The stream of a successor has the same name.
      await publisher.close(() => way !== 'left' && way !== 'handed-over' && (leadership?.isHeld() ?? true));
    }
  };
  /** The folder is free for others, whatever went wrong before. */
  const letGo = (): Promise<void> =>
    folder.close().catch((caught: unknown) => {
      log.error({ reason: TrainingError.from(caught).message }, 'the folder of the run could not be closed');
    });
  /**
   * Whatever goes wrong at the end is in the result, because nobody would see it otherwise. There is none when it turns out at the
   * end that another coordinator has the run.
   */
  const finish = async (how: Ending, way: TearDown): Promise<R | undefined> => {
    const report = parts.measure();
    try {
      await tearDown(way, how);
      if (leadership !== undefined && !(await folder.isHeld())) {
        leadership.onFenced("another coordinator has taken over the run's folder");
        return undefined;
      }
      const result = await (way === 'handed-over' ? report.unrecorded(how) : report.recorded(how, way));
      await folder.close();
      return result;
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      log.error({ code, reason: message }, 'the run ended, but its end could not be recorded');
      return await report.unrecorded({ outcome: 'failed', code, message: `${how.message}; then: ${message}` });
    } finally {
      await letGo();
    }
  };
  /** Once: by the end of the run, by close, or by stepDown. */
  let finished: Promise<R | undefined> | undefined;
  let resolve: (result: R) => void = () => undefined;
  const done = new Promise<R>((settle) => {
    resolve = settle;
  });
  const end = async (how: Ending, way: TearDown): Promise<void> => {
    finished ??= finish(how, way);
    const result = await finished;
    if (result !== undefined) resolve(result);
  };
  return {
    done,
    onEnd: (how) => void end(how, how.outcome === 'handed-over' ? 'handed-over' : 'orderly'),
    fail: (error) => {
      if (leadership !== undefined && error.code === 'RUN_LOCKED') leadership.onFenced(error.message);
      else assembly.fail(error);
    },
    requestStop: (reason) => {
      conductor.dispatch({ kind: 'stop-requested', reason });
    },
    requestHandOver: (reason) => {
      conductor.dispatch({ kind: 'hand-over-requested', reason });
    },
    close: () => end({ outcome: 'stopped', message: 'closed before the end' }, 'at-once'),
    async stepDown() {
      finished ??= tearDown('left', { outcome: 'stopped', message: '' })
        .then(() => undefined)
        .finally(letGo);
      await finished;
    },
  };
}
