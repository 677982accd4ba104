import type { StepDone } from '@facet/proto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CoordinatedRun, log, pageOf } from '../../test/coordinated-run.js';
import { OutlierWatch, type MemberFigures, type OutlierNews } from './outlier-watch.js';

interface Training {
  readonly members: readonly string[];
  readonly steps: number;
  readonly first?: number;
  /** A number from a normal distribution. */
  readonly normal: () => number;
  /** How much the samples of a step differ. */
  readonly spread?: number;
  /** Samples of a member; the noise of a norm shrinks with them. */
  readonly samples?: (at: number) => number;
  readonly change?: (figures: MemberFigures) => Partial<MemberFigures>;
}

/** Norms and losses of a training as it goes: both fall, and members differ by the samples that they have. */
function* figuresOf({ members, steps, first = 1, normal, spread = 0.3, samples = () => 64, change }: Training) {
  for (let step = first; step < first + steps; step++) {
    const [norm, loss] = [0.3 + 2 * Math.exp(-step / 40), 0.05 + 2.2 * Math.exp(-step / 60)];
    const own = members.map((workerId, at) => {
      const count = samples(at);
      const noise = spread / Math.sqrt(count / 64);
      const gradientNorm = norm * Math.exp(noise * normal()) * Math.sqrt(1 + 16 / count);
      return { workerId, step, samples: count, gradientNorm, loss: loss * Math.exp(noise * normal()) };
    });
    const all = own.reduce((sum, one) => sum + one.samples, 0);
    // Gradients point nearly the same way.
    const reducedNorm = own.reduce((sum, one) => sum + 0.9 * one.gradientNorm * one.samples, 0) / all;
    for (const one of own) yield { ...one, reducedNorm, ...change?.({ ...one, reducedNorm }) };
  }
}

function watchAll(watch: OutlierWatch, training: Training) {
  watch.begin(training.members);
  const news: (OutlierNews & { readonly step: number })[] = [];
  for (const figures of figuresOf(training)) {
    for (const one of watch.observe(figures)) news.push({ ...one, step: figures.step });
  }
  return news;
}

/** Box and Muller, from a small generator of its own. */
function normals(seed: number): () => number {
  let state = seed | 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const NAMES = Array.from({ length: 9 }, (_, at) => `w${at}`);
const world = fc.record({
  size: fc.integer({ min: 2, max: 9 }),
  seed: fc.nat(),
  spread: fc.double({ min: 0.02, max: 0.35, noNaN: true }),
});

const poison =
  (bad: string, from: number, factor = 20) =>
  ({ workerId, step, gradientNorm }: MemberFigures): Partial<MemberFigures> =>
    workerId === bad && step >= from ? { gradientNorm: factor * gradientNorm } : {};

describe('OutlierWatch', () => {
  it('says nothing of a training in which nobody is odd, whatever the shares', () => {
    fc.assert(
      fc.property(world, ({ size, seed, spread }) => {
        const samples = (at: number): number => 16 * 2 ** (at % 3);
        const members = NAMES.slice(0, size);
        expect(watchAll(new OutlierWatch(), { members, steps: 300, normal: normals(seed), spread, samples })).toEqual(
          [],
        );
      }),
    );
  });

  it('names a member that multiplies its gradient by 20 within a few steps, from the first step on', () => {
    fc.assert(
      fc.property(world, fc.constantFrom(1, 2, 7, 60), fc.nat(8), ({ size, seed, spread }, from, at) => {
        const members = NAMES.slice(0, size);
        const bad = members[at % size]!;
        const usual = Math.min(spread, 0.25);
        const watch = new OutlierWatch();
        const normal = normals(seed);
        const change = poison(bad, from);
        const news = watchAll(watch, { members, steps: from + 20, normal, spread: usual, change });
        expect(
          news.map(({ workerId, figure, kind, step }) => ({ workerId, figure, kind, isSoon: step <= from + 5 })),
        ).toEqual([{ workerId: bad, figure: 'gradient', kind: 'outlying', isSoon: true }]);
        expect(watch.noteOf(bad)).toBe(news[0]!.message);
        for (const member of members) if (member !== bad) expect(watch.noteOf(member)).toBe('');
      }),
    );
  });

  it('says once what it found, and when it is over', () => {
    const watch = new OutlierWatch();
    const members = ['a', 'b', 'c'];
    const change = ({ workerId, step, gradientNorm }: MemberFigures) =>
      workerId === 'b' && step >= 20 && step < 30 ? { gradientNorm: 20 * gradientNorm } : {};
    const news = watchAll(watch, { members, steps: 60, normal: () => 0, change });
    expect(news).toMatchObject([
      {
        ...{ step: 23, workerId: 'b', figure: 'gradient', kind: 'outlying' },
        message: expect.stringMatching(
          /^worker b: its gradient is 20\.0 times the others' \(norm per sample .*, others .*\) \(4 of the last 10 steps were like that\)$/,
        ) as string,
      },
      { step: 39, workerId: 'b', kind: 'ordinary', message: 'the gradient of worker b was ordinary for 10 steps' },
    ]);
    expect(watch.note).toBe('');
  });

  it('sees no more than three odd steps of ten as chance', () => {
    const change = ({ workerId, step, gradientNorm }: MemberFigures) =>
      workerId === 'b' && step % 10 < 3 ? { gradientNorm: 20 * gradientNorm } : {};
    expect(watchAll(new OutlierWatch(), { members: ['a', 'b', 'c'], steps: 100, normal: normals(1), change })).toEqual(
      [],
    );
  });

  it('names a member that sends nothing, and one whose losses are those of wrong labels', () => {
    const change = ({ workerId, step }: MemberFigures) => {
      if (step < 100) return {};
      return workerId === 'a' ? { gradientNorm: 0, reducedNorm: 0.01 } : workerId === 'b' ? { loss: 6 } : {};
    };
    const members = NAMES.slice(0, 3).map((_, at) => 'abc'[at]!);
    const news = watchAll(new OutlierWatch(), { members, steps: 120, normal: normals(3), spread: 0.1, change });
    expect(news.map(({ workerId, figure }) => [workerId, figure])).toEqual([
      ['a', 'gradient'],
      ['b', 'loss'],
    ]);
  });

  it('names a member whose loss is no number', () => {
    const change = ({ workerId }: MemberFigures) => (workerId === 'b' ? { loss: Number.NaN } : {});
    const news = watchAll(new OutlierWatch(), { members: ['a', 'b', 'c'], steps: 6, normal: normals(3), change });
    expect(news).toMatchObject([{ workerId: 'b', figure: 'loss', kind: 'outlying' }]);
  });

  it('of two tells by the steps before which one changed, and says so if there are none', () => {
    const small = (figures: MemberFigures) => ({ ...poison('a', 20, 1 / 20)(figures), reducedNorm: 0.01 });
    const later = watchAll(new OutlierWatch(), {
      members: ['a', 'b'],
      steps: 40,
      normal: normals(5),
      spread: 0.1,
      change: small,
    });
    expect(later).toMatchObject([{ workerId: 'a', figure: 'gradient' }]);
    expect(later[0]!.message).not.toContain('too young');
    const atOnce = watchAll(new OutlierWatch(), {
      members: ['a', 'b'],
      steps: 6,
      normal: normals(5),
      change: poison('b', 1),
    });
    expect(atOnce).toMatchObject([
      {
        workerId: 'b',
        message: expect.stringContaining('the run is too young to say which of the two is right') as string,
      },
    ]);
  });

  it('notices a large gradient that its sender says is small, by what all members got', () => {
    const members = ['a', 'b', 'c'];
    const lie = ({ step }: MemberFigures) => (step >= 20 ? { reducedNorm: 20 } : {});
    const watch = new OutlierWatch();
    const news = watchAll(watch, { members, steps: 40, normal: normals(7), change: lie });
    expect(news).toMatchObject([{ step: 23, figure: 'truth', kind: 'outlying' }]);
    expect(news[0]).not.toHaveProperty('workerId');
    expect(watch.note).toMatch(/^a member does not say the truth about its gradient: .* 20\.0, and members say/);
    for (const member of members) expect(watch.noteOf(member)).toBe('');
  });

  it('keeps what it knows over generations, and forgets who is gone', () => {
    const watch = new OutlierWatch();
    const normal = normals(9);
    const change = poison('b', 1);
    expect(watchAll(watch, { members: ['a', 'b', 'c'], steps: 3, normal, change })).toEqual([]);
    expect(watchAll(watch, { members: ['b', 'c', 'd'], steps: 1, first: 4, normal, change })).toMatchObject([
      { workerId: 'b', kind: 'outlying' },
    ]);
    watch.begin(['c', 'd']);
    expect(watch.note).toBe('');
  });

  it('has nothing to say of a member alone, of one without samples, or of who is no member', () => {
    const alone = watchAll(new OutlierWatch(), {
      members: ['a'],
      steps: 50,
      normal: normals(1),
      change: poison('a', 25),
    });
    expect(alone).toEqual([]);
    const idle = ({ workerId }: MemberFigures) => (workerId === 'c' ? { samples: 0, gradientNorm: 0, loss: 0 } : {});
    expect(
      watchAll(new OutlierWatch(), { members: ['a', 'b', 'c'], steps: 50, normal: normals(1), change: idle }),
    ).toEqual([]);
    const watch = new OutlierWatch();
    watch.begin(['a']);
    for (const figures of figuresOf({ members: ['a', 'x'], steps: 20, normal: normals(1), change: poison('x', 1) }))
      expect(watch.observe(figures)).toEqual([]);
  });
});

describe('a run with an outlier', () => {
  let run: CoordinatedRun;
  const warnings: string[] = [];

  beforeEach(async () => {
    run = await CoordinatedRun.open();
    warnings.length = 0;
    vi.spyOn(log, 'warn').mockImplementation((...said: unknown[]) => void warnings.push(String(said.at(-1))));
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await run[Symbol.asyncDispose]();
  });

  it('goes on, and names it in the log, the status and the metrics', async () => {
    const coordinator = await run.coordinate({ epochs: 4, workers: { count: 3, min: 1, max: 8 } });
    const seen: Promise<[status: string, metrics: string]>[] = [];
    const honest = {
      beforeWork: async (_: unknown, { step }: { readonly step: number }) => {
        if (step !== 10) return;
        if (seen.length === 0)
          seen.push(Promise.all([pageOf(coordinator, '/status'), pageOf(coordinator, '/metrics')]));
        await seen[0];
      },
    };
    await run.addWorker(coordinator, 'a', honest);
    await run.addWorker(coordinator, 'b', honest);
    const forge = (done: StepDone): StepDone => ({ ...done, localGradientNorm: 20 });
    await run.addWorker(coordinator, 'bad', { ...honest, forge });
    expect(await coordinator.done).toMatchObject({ outcome: 'finished', faults: 0, workers: 3, generations: 1 });
    const named = warnings.filter((text) => text.startsWith("worker bad: its gradient is 20.0 times the others'"));
    expect(named).toHaveLength(1);
    const [status = '', metrics = ''] = (await seen[0]) ?? [];
    const { outliers, workers } = JSON.parse(status) as {
      outliers: string;
      workers: { workerId: string; outlier: string; localGradientNorm: number }[];
    };
    expect(outliers).toBe(named[0]);
    expect(workers.map(({ workerId, outlier }) => [workerId, outlier !== ''])).toEqual([
      ['a', false],
      ['b', false],
      ['bad', true],
    ]);
    expect(workers.find(({ workerId }) => workerId === 'bad')?.localGradientNorm).toBe(20);
    expect(metrics).toContain('facet_coordinator_outlying_members_total 1');
    expect(metrics).toMatch(/^facet_coordinator_outlying_members 1$/m);
  });
});
