/**
 * Sends strangers to every port of a run, one attack after another, with calm times between them. Resident sets are read from
 * /proc, so this runs on Linux.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '../bench.js';
import { round } from '../figures.js';
import { countAnswer, noise, silentSockets, unfinishedMessages, unreadAnswers, type Attack } from './attacks.js';
import { openAttackedRun, type AttackedRun, type Memory } from './attacked-run.js';
import type { StrangersFigures, StrangersOptions, StrangersRatios, StrangersRow } from './definition.js';

const JOIN = '/facet.v1.Coordination/Join';
const PULL_STATE = '/facet.v1.Exchange/PullState';
const SAMPLE_EVERY_MS = 20;
const ATTEMPTS = 50;

/** What happened in some time. */
interface Watched {
  readonly most: Memory;
  readonly steps: number;
  readonly seconds: number;
}

interface PlannedAttack {
  readonly attack: string;
  readonly port: StrangersRow['port'];
  readonly start: (run: AttackedRun, count: number) => Promise<Attack>;
}

const attackOn = (
  attack: string,
  port: StrangersRow['port'],
  start: (target: AttackedRun['ports'][StrangersRow['port']], count: number) => Attack,
): PlannedAttack => ({ attack, port, start: (run, count) => Promise.resolve(start(run.ports[port], count)) });

const ATTACKS: readonly PlannedAttack[] = [
  attackOn('unfinished messages of 31 MB', 'coordinator', (at, count) => unfinishedMessages(at, JOIN, count)),
  attackOn('unfinished messages of 31 MB', 'worker', (at, count) => unfinishedMessages(at, PULL_STATE, count)),
  {
    attack: 'states asked for and not read',
    port: 'worker',
    start: (run, count) =>
      withHeldStep(run, async (step) => {
        const attack = await unreadAnswers(run.ports.worker, PULL_STATE, await run.stateRequest(step), count);
        if (attack === undefined) throw new Error(`most calls for the state after step ${step} were refused`);
        return attack;
      }),
  },
  attackOn('noise', 'coordinator', noise),
  attackOn('noise', 'worker', noise),
  attackOn('silent connections', 'coordinator', (at, count) => silentSockets(at, '', count)),
  attackOn('silent connections', 'worker', (at, count) => silentSockets(at, '', count)),
  attackOn('half a request', 'coordinator-http', (at, count) =>
    silentSockets(at, 'GET /metrics HTTP/1.1\r\nx: ', count),
  ),
  attackOn('half a request', 'worker-http', (at, count) => silentSockets(at, 'GET /metrics HTTP/1.1\r\nx: ', count)),
];

export const runStrangers: Run<StrangersOptions, StrangersRow, StrangersFigures, StrangersRatios> = async (
  { strangers, seconds, width },
  { signal, say },
) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-strangers-'));
  try {
    await using run = await openAttackedRun(folder, { width, signal });
    // Strangers have machines of their own: what they compute must not count, only what the run does because of them.
    setPriority(constants.priority.PRIORITY_LOW);
    const rows: StrangersRow[] = [];
    const calm: Watched[] = [];
    const harmed: Watched[] = [];
    for (const { attack: name, port, start } of ATTACKS) {
      say(`${name} at the port of ${port}`);
      const before = await watch(run, seconds, signal);
      const attack = await start(run, strangers);
      const during = await watch(run, seconds, signal);
      rows.push({
        attack: name,
        port,
        open: attack.open(),
        closed: attack.closed(),
        sentMB: round(attack.sentBytes() / 1e6),
        coordinatorRiseMB: round(during.most.coordinatorMB - before.most.coordinatorMB),
        workerRiseMB: round(during.most.workerMB - before.most.workerMB),
        steps: during.steps,
      });
      await attack.end();
      calm.push(before);
      harmed.push(during);
    }
    const stopped = rows.filter(({ steps }) => steps === 0).map(({ attack, port }) => `${attack} at ${port}`);
    return {
      rows,
      figures: {
        strangers,
        seconds,
        stateMB: round((await readWholeState(run)) / 1e6),
        coordinatorCalmMB: round(calm[0]!.most.coordinatorMB),
        workerCalmMB: round(calm[0]!.most.workerMB),
        worstCoordinatorRiseMB: Math.max(...rows.map((row) => row.coordinatorRiseMB)),
        worstWorkerRiseMB: Math.max(...rows.map((row) => row.workerRiseMB)),
      },
      ratios: { speed: round(speedOf(harmed) / speedOf(calm)) },
      notes: ['one worker on MNIST; strangers run on the same machine at the lowest priority'],
      failures: stopped.map((what) => `no step was committed during: ${what}`),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Memory and steps while some seconds pass. */
async function watch(run: AttackedRun, seconds: number, signal: AbortSignal): Promise<Watched> {
  const stepsBefore = await run.steps();
  const startedAt = performance.now();
  let coordinatorMB = 0;
  let workerMB = 0;
  do {
    const now = await run.memory();
    coordinatorMB = Math.max(coordinatorMB, now.coordinatorMB);
    workerMB = Math.max(workerMB, now.workerMB);
    await delay(SAMPLE_EVERY_MS, undefined, { signal });
  } while (performance.now() - startedAt < seconds * 1_000);
  const steps = (await run.steps()) - stepsBefore;
  return { most: { coordinatorMB, workerMB }, steps, seconds: (performance.now() - startedAt) / 1_000 };
}

/** Steps per second over several times. */
function speedOf(watched: readonly Watched[]): number {
  const steps = watched.reduce((sum, one) => sum + one.steps, 0);
  return steps / watched.reduce((sum, one) => sum + one.seconds, 0);
}

/** A peer with the right to it gets the state after all of that: how many bytes it has. */
function readWholeState(run: AttackedRun): Promise<number> {
  return withHeldStep(run, async (step) => countAnswer(run.ports.worker, PULL_STATE, await run.stateRequest(step)));
}

/** Does something with the state of the last step. The worker may have gone on meanwhile, so it is tried again. */
async function withHeldStep<T>(run: AttackedRun, act: (step: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(await run.steps());
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
