/**
 * Takes in what workers computed: steps, evaluations and reports of what they hold. It asks the commit log what each means,
 * writes the ledger, moves the window of shards when a record is durable, and tells membership. Whoever calls it has made sure
 * that the worker was a member of the generation that it speaks of; a step that was applied there is committed, also later.
 */
import type { EvaluationDone, Report, StepDone, StepTimings } from '@facet/proto';
import {
  formatCrc32,
  type CommitRecord,
  type ErrorCode,
  type Plan,
  type RunConfig,
  type WorkItem,
} from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { CommitLog, CommitVerdict } from '../commit/commit-log.js';
import { EvaluationMerge, type EvaluationResult } from '../evaluation/evaluation.js';
import type { HeldState, MembershipEvent } from '../membership/state.js';
import type { Metrics } from '../metrics/metrics.js';
import type { OutlierNews, OutlierWatch } from './outlier-watch.js';
import type { ShardPublisher } from '../shards/publisher.js';
import type { EarlierRun } from './earlier-run.js';
import { earlyStop, type EarlyStop } from '../evaluation/early-stop.js';
import type { EndablePlan } from './endable-plan.js';
import type { EngineMix } from './engine-mix.js';
import type { History } from './history.js';
import type { NewRecord, Recorder } from './recorder.js';
import type { Stopwatch } from './stopwatch.js';

export interface IntakeOptions {
  readonly config: RunConfig;
  readonly plan: EndablePlan;
  /** 0 where answers are no classes. */
  readonly classes: number;
  readonly commits: CommitLog;
  readonly engines: Pick<EngineMix, 'desyncAdvice'>;
  readonly history: History;
  readonly stopwatch: Stopwatch;
  readonly outliers: OutlierWatch;
  readonly recorder: Recorder;
  readonly publisher: Pick<ShardPublisher, 'complete'>;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly dispatch: (event: MembershipEvent) => void;
}

/** What the last committed step was like, for status and metrics. */
export interface LastStep {
  readonly step: number;
  readonly loss: number;
  /** Undefined where answers are not right or wrong. */
  readonly accuracy: number | undefined;
}

/** Who reports a step; of a report that comes later the rank is not known. */
interface Reporter {
  readonly workerId: string;
  readonly rank: number | undefined;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #evaluatedSteps: Set<number>;
  /** By step. A fast worker may be a step further before a slow one's evaluation arrives. */
  readonly #merges = new Map<number, EvaluationMerge>();
  #current: WorkItem | undefined;
  #lastStep: LastStep | undefined;
  /** Whether the early end of the run could be recorded; once it is decided. */
  #ending: Promise<boolean> | undefined;
  #bytesExchanged: number;
  /** How many of them no record of the ledger states yet. */
  #unrecordedBytes = 0;

  constructor(options: IntakeOptions, { evaluatedSteps, effort }: Pick<EarlierRun, 'evaluatedSteps' | 'effort'>) {
    this.#options = options;
    this.#evaluatedSteps = new Set(evaluatedSteps);
    this.#bytesExchanged = effort.bytesExchanged;
  }

  /** The piece of work that the generation is at. */
  get current(): WorkItem | undefined {
    return this.#current;
  }

  get lastStep(): LastStep | undefined {
    return this.#lastStep;
  }

  /** Bytes that workers sent each other, as they reported them. */
  get bytesExchanged(): number {
    return this.#bytesExchanged;
  }

  /** A generation begins. */
  begin(work: WorkItem, members: readonly string[]): void {
    this.#options.outliers.begin(members);
    this.#current = work;
    this.#merges.clear();
  }

  /** Every member is formed: the time of training counts from here. */
  start(): void {
    if (this.#current?.kind === 'train') this.#options.stopwatch.start();
  }

  /** Checksum of the moments after a committed step, where it is known. */
  momentsCrcOf(step: number): number | undefined {
    return this.#options.commits.momentsCrcOf(step);
  }

  get committedStep(): number {
    return this.#options.commits.lastStep;
  }

  /** A member finished a step. */
  acceptStep({ workerId, rank }: Reporter & { readonly rank: number }, done: StepDone): void {
    this.#bytesExchanged += done.bytesSent;
    this.#unrecordedBytes += done.bytesSent;
    const verdict = this.#judge({ workerId, rank }, done);
    const { generation, step, weightsCrc } = done;
    if (verdict.kind === 'fault') this.fail(verdict.code, verdict.message, done);
    else this.#options.dispatch({ kind: 'applied', workerId, generation, held: { step, weightsCrc } });
    this.#watch(workerId, done);
  }

  /**
   * A worker says what it holds. Steps that only it knows are committed from its report.
   *
   * @returns the state when the ledger explains it; `reason` when it must not be a source.
   */
  acceptReport(
    workerId: string,
    report: Report,
  ): { readonly held: HeldState | undefined; readonly fault?: CommitVerdict & { readonly kind: 'fault' } } {
    if (!report.hasState) return { held: undefined };
    const { commits, log } = this.#options;
    for (const done of report.recent) {
      // A gap: what the worker holds beyond it cannot be explained.
      if (done.step > commits.lastStep + 1) break;
      const verdict = this.#judge({ workerId, rank: undefined }, done);
      if (verdict.kind === 'fault') return { held: undefined, fault: verdict };
    }
    const { appliedStep: step, weightsCrc } = report;
    if (step > commits.lastStep) {
      log.warn(
        { workerId, step, committedStep: commits.lastStep },
        "a worker's state is ahead of the ledger and is not used",
      );
      return { held: undefined };
    }
    const committed = commits.weightsCrcOf(step);
    if (committed !== undefined && committed !== weightsCrc) {
      const message = `worker ${workerId} holds weights ${formatCrc32(weightsCrc)} after step ${step}, the ledger says ${formatCrc32(committed)}; ${this.#options.engines.desyncAdvice}`;
      return { held: undefined, fault: { kind: 'fault', code: 'DESYNC', message } };
    }
    return { held: { step, weightsCrc } };
  }

  /** A worker finished its part of an evaluation. */
  acceptEvaluation(workerId: string, done: EvaluationDone): void {
    const { plan, classes, commits } = this.#options;
    const { step } = done;
    if (commits.weightsCrcOf(step) === undefined || !plan.isLastOfEpoch(step)) {
      const message = `worker ${workerId} reports an evaluation after step ${step}, expected one after a committed last step of an epoch; report this as a bug`;
      this.fail('ACCOUNTING', message, done);
      return;
    }
    let merge = this.#merges.get(step);
    if (merge === undefined) {
      merge = new EvaluationMerge({ plan, step, classes });
      this.#merges.set(step, merge);
    }
    const verdict = merge.accept({ workerId, ...done });
    if (verdict.kind === 'fault') this.fail('ACCOUNTING', verdict.message, done);
    else if (verdict.kind === 'complete') this.#completeEvaluation(verdict.result);
  }

  /** Ends the run because of what a worker reported. */
  fail(
    code: ErrorCode,
    message: string,
    { generation, step }: { readonly generation: number; readonly step: number },
  ): void {
    const { recorder, metrics, dispatch } = this.#options;
    metrics.countFault(code);
    void recorder.append({ kind: 'fault', generation, step, code, message });
    dispatch({ kind: 'failed', code, message });
  }

  /** Says when a member's own figures begin to lie far from the others', and when they do no more. */
  #watch(workerId: string, { step, localSamples, localGradientNorm, localLoss, gradientNorm }: StepDone): void {
    const own = { samples: localSamples, gradientNorm: localGradientNorm, loss: localLoss, reducedNorm: gradientNorm };
    for (const news of this.#options.outliers.observe({ workerId, step, ...own })) this.#tell(news, step);
  }

  #tell({ kind, message, ...facts }: OutlierNews, step: number): void {
    const { log, metrics } = this.#options;
    if (kind === 'ordinary') {
      log.info({ step, ...facts }, message);
      return;
    }
    log.warn({ step, ...facts }, message);
    metrics.outlyingMembers.inc();
  }

  #judge(reporter: Reporter, done: StepDone): CommitVerdict {
    const { commits, recorder } = this.#options;
    const { generation, step } = done;
    const verdict = commits.accept({ ...done, ...reporter });
    if (verdict.kind === 'commit') {
      const { epoch, samples } = verdict;
      const weightsCrc = formatCrc32(done.weightsCrc);
      const momentsCrc = formatCrc32(done.momentsCrc);
      const effort = this.#effortOf(done);
      const { loss } = done;
      const record = {
        kind: 'commit',
        step,
        epoch,
        generation,
        samples,
        loss,
        weightsCrc,
        momentsCrc,
        ...effort,
      } as const;
      this.#advance(done, recorder.append(record));
      this.#options.metrics.ledgerCommits.inc();
      this.#options.history.commit({ step, loss, sampleCount: samples.length, correct: effort.correct });
      this.#options.dispatch({ kind: 'committed', step });
    } else if (verdict.kind === 'replay') {
      const effort = this.#effortOf(done);
      const record = { kind: 'replay', step, generation, weightsCrc: formatCrc32(done.weightsCrc), ...effort } as const;
      this.#advance(done, recorder.append(record));
      this.#options.metrics.replays.inc();
    }
    return verdict;
  }

  /** What a step cost that is done for the first time in its generation: the ledger keeps it for a coordinator that goes on. */
  #effortOf({ step, sampleCount, metrics, gradientNorm, timings }: StepDone): Effort {
    const seconds = this.#options.stopwatch.lap(sampleCount);
    this.#options.history.addSeconds(step, seconds);
    const bytesExchanged = this.#unrecordedBytes;
    this.#unrecordedBytes = 0;
    const { correct, ...others } = metrics;
    return {
      ...(correct !== undefined && { correct }),
      ...(Object.keys(others).length > 0 && { metrics: others }),
      seconds,
      bytesExchanged,
      ...(isAmount(gradientNorm) && { gradientNorm }),
      ...(timings && { partsMs: partsOf(timings) }),
    };
  }

  /** A step is done for the first time in its generation. */
  #advance(done: StepDone, writing: Promise<boolean>): void {
    const { plan, stopwatch, metrics, publisher } = this.#options;
    const { step, sampleCount } = done;
    const item = { kind: 'train', step } as const;
    if (plan.isLastOfEpoch(step)) stopwatch.pause();
    else stopwatch.start();
    metrics.samples.inc(sampleCount);
    this.#current = plan.next(item);
    const { correct } = done.metrics;
    this.#lastStep = { step, loss: done.loss, accuracy: correct === undefined ? undefined : correct / sampleCount };
    void writing.then((isDurable) => {
      if (isDurable) publisher.complete(item);
    });
  }

  /** Ends the run with the last evaluated epoch if one of its rules says so; false when that cannot be recorded. */
  async #endEarly(): Promise<boolean> {
    const { config, plan, history, commits } = this.#options;
    const end = earlyStop(config, plan, { evaluations: history.evaluations, committedStep: commits.lastStep });
    if (end === undefined) return true;
    // An evaluation that is computed again, in another generation, comes to the same while the first end is being written.
    this.#ending ??= this.#recordEnd(end);
    return this.#ending;
  }

  async #recordEnd(end: EarlyStop): Promise<boolean> {
    const { plan, recorder, log } = this.#options;
    if (!(await recorder.append({ kind: 'change', ...end }))) return false;
    log.info({ step: end.afterStep, reason: end.reason }, 'the run ends early');
    plan.endEarly(end);
    // What would have come next does not.
    this.#current = undefined;
    return true;
  }

  #completeEvaluation(result: EvaluationResult): void {
    const { plan, stopwatch, history, recorder, publisher, commits, dispatch, log } = this.#options;
    const { step, accuracy, loss, metrics: means } = result;
    const item = { kind: 'evaluate', step } as const;
    this.#merges.delete(step);
    if (this.#current?.kind === 'evaluate' && this.#current.step === step) {
      this.#current = plan.next(item);
      if (this.#current !== undefined) stopwatch.start();
    }
    history.evaluate(result);
    const isNew = !this.#evaluatedSteps.has(step);
    this.#evaluatedSteps.add(step);
    const epoch = plan.epochOf(step);
    log.info({ epoch, step, split: plan.evaluation, accuracy, loss, ...means }, 'evaluated');
    const writing = isNew ? recorder.append(evaluationRecord(plan.evaluation, epoch, result)) : Promise.resolve(true);
    void writing.then(async (isDurable) => {
      if (!isDurable || !(await this.#endEarly())) return;
      publisher.complete(item);
      dispatch({ kind: 'evaluated', held: { step, weightsCrc: commits.weightsCrcOf(step) ?? 0 } });
    });
  }
}

type Effort = Pick<CommitRecord, 'correct' | 'metrics' | 'seconds' | 'bytesExchanged' | 'gradientNorm' | 'partsMs'>;

/** What a worker says of itself is not part of the accounting: nonsense is left out, and breaks no line of the ledger. */
function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** To a hundredth of a millisecond: more is noise that every line of the ledger would carry. */
function partsOf({ shardWaitMs, computeMs, allReduceMs, updateMs }: StepTimings): NonNullable<CommitRecord['partsMs']> {
  const rounded = (ms: number): number => (isAmount(ms) ? Math.round(ms * 100) / 100 : 0);
  return {
    shardWait: rounded(shardWaitMs),
    compute: rounded(computeMs),
    allReduce: rounded(allReduceMs),
    update: rounded(updateMs),
  };
}

/** A ledger says of which split an evaluation is. */
function evaluationRecord(
  split: Plan['evaluation'],
  epoch: number,
  { step, accuracy, loss, metrics }: EvaluationResult,
): NewRecord {
  const means = { ...(Object.keys(metrics).length > 0 && { metrics }) };
  return split === 'test'
    ? {
        ...{ kind: 'evaluation', step, epoch },
        ...(accuracy !== undefined && { testAccuracy: accuracy }),
        ...{ testLoss: loss, ...means },
      }
    : {
        ...{ kind: 'held-out-evaluation', step, epoch },
        ...(accuracy !== undefined && { heldOutAccuracy: accuracy }),
        ...{ heldOutLoss: loss, ...means },
      };
}
