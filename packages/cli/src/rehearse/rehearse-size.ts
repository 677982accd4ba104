/** A rehearsal with one number of workers: join, train, lose a tenth of the workers, take as many new
 * ones, lose the coordinator, end. */
import { checkLedgerFile, readLedgerRecords, TrainingError } from '@facet/shared';
import type { MessageBytes } from './crew-messages.js';
import { readProcessFigures, type ProcessFigures } from './process-figures.js';
import { overheadsMs, type GenerationStarted } from './rehearsal-hub.js';
import { RehearsalLaunch, type RehearsalLaunchOptions } from './rehearsal-launch.js';
import { quantile, type RehearsedLoss, type RehearsedSize } from './rehearsal-report.js';

export interface RehearseSizeOptions extends Omit<RehearsalLaunchOptions, 'crewSizes'> {
  readonly workers: number;
  readonly processes: number;
  /** That are measured. */
  readonly steps: number;
  /** One line for people, as soon as something is known. */
  readonly note: (line: string) => void;
}

/** Before steps are measured: the first ones find an empty queue of shards. */
const WARM_UP_STEPS = 3;
/** Steps of a generation that follows a loss. */
const STEPS_AFTER_LOSS = 3;
/** Share of the workers that are killed at once. */
const KILLED_SHARE = 0.1;

/** Rehearses with so many workers. */
export async function rehearseSize(options: RehearseSizeOptions): Promise<RehearsedSize> {
  const { workers, steps, workMs, note } = options;
  const crewSizes = splitCrews(workers, options.processes);
  await using launch = await RehearsalLaunch.open({ ...options, crewSizes });
  const { hub } = launch;
  const joinedAtMs = await launch.join();
  const first = await nextStart(launch, 0);
  note(`${workers} workers were told Start ${Math.round(first.atMs - joinedAtMs)} ms after the first Hello`);
  const trained = await train(launch, first.generation, options);
  note(`${steps} steps were trained`);
  const kill = await loseWorkers(launch, first, crewSizes.at(-1)!);
  note(`${kill.killed} workers were killed; the others were told Start after ${Math.round(kill.toStartMs)} ms`);
  const rejoinMs = await joinAgain(launch, workers);
  note(`${kill.killed} workers joined in ${Math.round(rejoinMs)} ms`);
  const failover = await loseCoordinator(launch);
  note(`the coordinator was killed; the next one said Start after ${Math.round(failover.toStartMs)} ms`);
  const violations = await endRun(launch);
  const commits = await commitTimes(launch);
  const begun = hub.begun.filter(({ generation }) => generation === first.generation);
  const overheads = overheadsMs(begun.slice(WARM_UP_STEPS), workMs);
  const { messageBytes } = trained;
  return {
    workers,
    processes: crewSizes.length,
    steps,
    workMs,
    overheadP50Ms: quantile(overheads, 0.5),
    overheadP99Ms: quantile(overheads, 0.99),
    joinMs: first.atMs - joinedAtMs,
    commitMs:
      quantile(
        [...commits].flatMap(([step, atMs]) => latencyOf(launch, step, atMs)),
        0.5,
      ) + trained.appendMs,
    ...trained.coordinator,
    messageBytes,
    formBytes: workers * (messageBytes['form'] ?? 0),
    stepBytes: workers * (messageBytes['stepDone'] ?? 0),
    series: trained.series,
    kill: lossOf(kill, commits),
    rejoinMs,
    failover: lossOf(failover, commits),
    violations,
  };
}

/** The workers of every process: the last one holds the tenth that is killed, if that is at least one. */
export function splitCrews(workers: number, processes: number): number[] {
  const killed = Math.max(1, Math.floor(workers * KILLED_SHARE));
  const kept = workers - killed;
  const crews = Math.min(processes, kept);
  const sizes = Array.from(
    { length: crews },
    (_, at) => Math.floor((kept * (at + 1)) / crews) - Math.floor((kept * at) / crews),
  );
  return [...sizes, killed];
}

/** From the Hello of the workers that replace the killed ones until all train together. */
async function joinAgain(launch: RehearsalLaunch, workers: number): Promise<number> {
  const joinedAtMs = await launch.joinAgain();
  const isWhole = (): boolean => launch.hub.newest?.worldSize === workers;
  await launch.until('the new workers to be members', isWhole);
  return launch.hub.newest!.atMs - joinedAtMs;
}

/** The first generation after one whose members were all told Start. */
async function nextStart(launch: RehearsalLaunch, after: number): Promise<GenerationStarted> {
  const found = (): GenerationStarted | undefined => launch.hub.starts.find(({ generation }) => generation > after);
  await launch.until(`a generation after ${after} to start`, () => found() !== undefined);
  return found()!;
}

interface Trained {
  readonly coordinator: Pick<
    RehearsedSize,
    'coordinatorCpuShare' | 'coordinatorCpuMsPerStep' | 'coordinatorMB' | 'coordinatorPeakMB'
  >;
  readonly messageBytes: MessageBytes;
  readonly series: number;
  /** From a record to its safety on disk, mean. */
  readonly appendMs: number;
}

async function train(launch: RehearsalLaunch, generation: number, { steps }: RehearseSizeOptions): Promise<Trained> {
  const { hub, leader } = launch;
  const reached = (count: number) => (): boolean => hub.stepsOf(generation).length >= count;
  await launch.until('the first steps', reached(WARM_UP_STEPS));
  const before = await readProcessFigures(leader?.pid);
  const beganMs = performance.now();
  await launch.until(`${steps} steps`, reached(WARM_UP_STEPS + steps));
  const after = await readProcessFigures(leader?.pid);
  const seconds = (performance.now() - beganMs) / 1_000;
  const page = await launch.metrics();
  return {
    coordinator: usageOf({ before, after, seconds, steps }),
    messageBytes: { ...hub.bytes },
    series: page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
    appendMs: 1_000 * meanOf(page, 'facet_coordinator_ledger_append_duration_seconds'),
  };
}

function usageOf(span: {
  readonly before: ProcessFigures | undefined;
  readonly after: ProcessFigures | undefined;
  readonly seconds: number;
  readonly steps: number;
}): Trained['coordinator'] {
  const { before, after, seconds, steps } = span;
  const cpuSeconds = before && after && after.cpuSeconds - before.cpuSeconds;
  return {
    coordinatorCpuShare: cpuSeconds && cpuSeconds / seconds,
    coordinatorCpuMsPerStep: cpuSeconds && (1_000 * cpuSeconds) / steps,
    coordinatorMB: after?.residentMB,
    coordinatorPeakMB: after?.peakMB,
  };
}

/** The mean of a histogram in a page of metrics. */
function meanOf(page: string, name: string): number {
  const valueOf = (part: string): number => Number(new RegExp(`^${name}_${part} (\\S+)$`, 'm').exec(page)?.[1] ?? 0);
  const count = valueOf('count');
  return count === 0 ? 0 : valueOf('sum') / count;
}

/** Something was killed, and a generation started after it. */
interface Loss {
  readonly killed: number;
  /** By the clock of the wall. */
  readonly atMs: number;
  readonly toStartMs: number;
  readonly generation: number;
}

async function loseWorkers(launch: RehearsalLaunch, { generation }: GenerationStarted, killed: number): Promise<Loss> {
  return lose(launch, { generation, killed, kill: () => launch.killCrew() });
}

async function loseCoordinator(launch: RehearsalLaunch): Promise<Loss> {
  const generation = launch.hub.newest?.generation ?? 0;
  return lose(launch, { generation, killed: 0, kill: () => launch.killLeader() });
}

async function lose(
  launch: RehearsalLaunch,
  {
    generation,
    killed,
    kill,
  }: { readonly generation: number; readonly killed: number; readonly kill: () => Promise<void> },
): Promise<Loss> {
  const atMs = Date.now();
  const killedAtMs = performance.now();
  await kill();
  const next = await nextStart(launch, generation);
  await launch.until('steps after a loss', () => launch.hub.stepsOf(next.generation).length >= STEPS_AFTER_LOSS);
  return { killed, atMs, toStartMs: next.atMs - killedAtMs, generation: next.generation };
}

/** Ends the run as Ctrl-C does; the promises that were broken. */
async function endRun(launch: RehearsalLaunch): Promise<string[]> {
  const { leader, crews, paths } = launch;
  leader?.signal('SIGINT');
  await leader?.ended;
  const ends = await Promise.all(crews.map((crew) => crew.workersEnded));
  const troubles = ends.flatMap(({ outcomes, message }) =>
    Object.keys(outcomes).every((outcome) => outcome === 'stopped')
      ? []
      : [`workers ended otherwise than stopped: ${JSON.stringify(outcomes)} ${message}`],
  );
  const ledger = await checkLedgerFile(paths.ledger).catch((caught: unknown) => TrainingError.from(caught));
  const contradictions = ledger instanceof TrainingError ? [ledger.message] : ledger.contradictions;
  return [...troubles, ...contradictions.map((problem) => `ledger: ${problem}`)];
}

/** When each step was committed, by the clock of the wall. */
async function commitTimes({ paths }: RehearsalLaunch): Promise<ReadonlyMap<number, number>> {
  const records = await readLedgerRecords(paths.ledger);
  return new Map(
    records.flatMap((record) => (record.kind === 'commit' ? [[record.step, Date.parse(record.at)] as const] : [])),
  );
}

function latencyOf({ hub }: RehearsalLaunch, step: number, committedAtMs: number): number[] {
  const sentAtMs = hub.sentAtMs(step);
  return sentAtMs === undefined ? [] : [committedAtMs - sentAtMs];
}

function lossOf({ killed, atMs, toStartMs }: Loss, commits: ReadonlyMap<number, number>): RehearsedLoss {
  const next = [...commits.values()].find((committedAtMs) => committedAtMs > atMs + toStartMs);
  return { killed, toStartMs, toStepMs: (next ?? Number.NaN) - atMs };
}

/** The configuration of a rehearsal, in the words of the command line: as many micro-batches in a step as there are workers. */
export function rehearsalSettings(
  workers: number,
  { heartbeatMs }: { readonly heartbeatMs?: number },
): Readonly<Record<string, unknown>> {
  return {
    run: 'rehearsal',
    dataset: 'mnist',
    data: 'local',
    epochs: 1_000,
    batch: { global: workers, micro: 1 },
    samples: { test: workers },
    optimizer: { emaDecay: 0 },
    workers: { count: workers, min: 1, max: workers },
    ...(heartbeatMs !== undefined && { timeouts: { heartbeatMs } }),
  };
}
