import { TrainingError, type ErrorCode } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import type { Child, ChildEnd } from './child-process.js';
import { WorkerCrew, type CrewOptions, type WorkerDeath, type WorkerFailure } from './worker-crew.js';

const KILLED: WorkerFailure = { how: 'SIGKILL', error: undefined, isOutcome: false };

function failsOf(code: ErrorCode): WorkerFailure {
  return { how: code, error: new TrainingError(code, 'as it says'), isOutcome: false };
}

/** A crew whose workers end when the test says so. */
function openCrew(options: Partial<CrewOptions> = {}) {
  const started: { readonly child: Child; end(code: number): void }[] = [];
  const deaths: WorkerDeath[] = [];
  const waits: number[] = [];
  const run = { isOver: false };
  const crew = new WorkerCrew({
    count: 2,
    maxRestarts: 3,
    start: (index) => {
      let end: (end: ChildEnd) => void = () => undefined;
      const ended = new Promise<ChildEnd>((resolve) => (end = resolve));
      const child = { name: `worker-${index}`, ended } as Partial<Child> as Child;
      started.push({
        child,
        end: (code) => {
          end({ code, signal: undefined });
        },
      });
      return child;
    },
    failureOf: async () => KILLED,
    isOver: () => run.isOver,
    onDied: (death) => deaths.push(death),
    wait: async (ms) => waits.push(ms),
    ...options,
  });
  return { crew, started, deaths, waits, run };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a worker that dies', () => {
  it('is replaced, each time after a longer wait, until no restart is left', async () => {
    const { crew, started, deaths, waits } = openCrew();
    for (let worker = 0; worker < 4; worker += 1) {
      started[worker]!.end(137);
      await settled();
    }
    expect(started.map(({ child }) => child.name)).toEqual([
      'worker-0',
      'worker-1',
      'worker-2',
      'worker-3',
      'worker-4',
    ]);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    expect(deaths.map(({ restart }) => restart.kind)).toEqual(['later', 'later', 'later', 'used-up']);
    expect(deaths.map(({ living }) => living)).toEqual([1, 1, 1, 1]);
    expect(crew).toMatchObject({ restarts: 3, started: 5, firstFailed: { name: 'worker-0' } });
  });

  it.each<[ErrorCode, boolean]>([
    ['CONFIG_INVALID', false],
    ['ENGINE_UNAVAILABLE', false],
    ['DATASET_INVALID', false],
    ['VERSION_MISMATCH', false],
    ['STRAGGLER', false],
    ['DESYNC', false],
    ['INTERNAL', true],
    ['STEP_TIMEOUT', true],
    ['BROKER_UNREACHABLE', true],
  ])('of %s: another one is started: %s', async (code, isReplaced) => {
    const { started, deaths } = openCrew({ failureOf: async () => failsOf(code) });
    started[0]!.end(1);
    await settled();
    expect(deaths[0]?.restart.kind).toBe(isReplaced ? 'later' : 'pointless');
    expect(started).toHaveLength(isReplaced ? 3 : 2);
  });

  it('is not replaced when it cannot be started at all', async () => {
    const { started, deaths } = openCrew();
    started[0]!.end(127);
    await settled();
    expect(deaths).toMatchObject([{ restart: { kind: 'pointless' } }]);
  });

  it('is of no interest when the run is over, and is not replaced when it ends during the wait', async () => {
    const late = openCrew();
    late.run.isOver = true;
    late.started[0]!.end(1);
    await settled();
    expect(late.deaths).toEqual([]);
    const during: ReturnType<typeof openCrew> = openCrew({ wait: async () => (during.run.isOver = true) });
    during.started[0]!.end(1);
    await settled();
    expect(during.deaths).toHaveLength(1);
    expect(during.started).toHaveLength(2);
  });
});

it('workers that end in order, or with the outcome of their run, have not died', async () => {
  const { crew, started, deaths } = openCrew({ failureOf: async () => ({ ...KILLED, isOutcome: true }) });
  started[0]!.end(0);
  started[1]!.end(1);
  await crew.gone;
  expect(deaths).toEqual([]);
});

it('a crew is gone only when nobody lives and nobody is about to', async () => {
  let go: () => void = () => undefined;
  const { crew, started } = openCrew({
    count: 1,
    maxRestarts: 1,
    wait: () => new Promise<void>((resolve) => (go = resolve)),
  });
  let isGone = false;
  void crew.gone.then(() => (isGone = true));
  started[0]!.end(137);
  await settled();
  expect(isGone).toBe(false);
  go();
  await settled();
  started[1]!.end(137);
  await settled();
  expect(isGone).toBe(true);
});
