import { describe, expect, it, test } from 'vitest';
import { status, workerStatus } from '../../test/status.js';
import { epochProgress, frameLines } from './frame.js';
import { paletteFor, PLAIN_PALETTE } from './palette.js';

const terminal = { columns: 120, rows: 40, palette: PLAIN_PALETTE };

describe('the display', () => {
  it('shows run, progress, quality and a line for each worker', () => {
    expect(frameLines(status(), terminal)).toEqual([
      'demo  mnist, 2 workers, generation 1  training',
      'epoch 2/4 █████████████░░░░░░░░░░░  55.7 %  step 730/1876  eta 18.1 s',
      'loss 0.2134  train 93.4 %  test 97.22 %  8,123 images/s  checkpoint at step 600',
      'rank  worker           state   images/s  step ms  wait  compute  all-reduce  update',
      '   0  host-100-abcdef  member     4,061     15.8   0.1     13.2         1.9     0.5',
      '   1  host-101-abcdef  member     4,061     15.8   0.1     13.2         1.9     0.5',
    ]);
  });

  it('draws the loss so far once there are two steps', () => {
    expect(frameLines(status(), { ...terminal, losses: [2] })).toEqual(frameLines(status(), terminal));
    expect(frameLines(status(), { ...terminal, losses: [2, 1, 1.5] })[3]).toBe('loss █▁▅');
  });

  it('shows the loss and the figures of a task whose answers are no classes', () => {
    const regression = status({
      ...{ hasTrainAccuracy: false, hasTestAccuracy: false },
      ...{ evaluationLoss: 0.0123456, evaluationMetrics: { absolute: 0.25 } },
    });
    expect(frameLines(regression, terminal)[2]).toBe(
      'loss 0.2134  evaluated loss 0.01235  absolute 0.25  8,123 images/s  checkpoint at step 600',
    );
  });

  it('shows nothing that is not known yet', () => {
    const early = status({
      phase: 'gathering',
      detail: '1 of 2 workers are ready',
      generation: 0,
      step: 0,
      hasTrainAccuracy: false,
      hasTestAccuracy: false,
      hasEvaluation: false,
      samplesPerSecond: 0,
      etaSeconds: 0,
      checkpointStep: 0,
      workers: [workerStatus(0, { isMember: false, state: 'ready', samplesPerSecond: 0, timings: null })],
    });
    expect(frameLines(early, terminal)).toEqual([
      'demo  mnist, 0 workers, generation 0  gathering: 1 of 2 workers are ready',
      'epoch 1/4 ░░░░░░░░░░░░░░░░░░░░░░░░   0.0 %  step 0/1876  eta -',
      'loss -  train -  test -  0 images/s  no checkpoint yet',
      'rank  worker           state  images/s  step ms  wait  compute  all-reduce  update',
      '   -  host-100-abcdef  ready         0        -     -        -           -       -',
    ]);
  });

  it('shows members by rank before those who wait, and the last fault', () => {
    const waiting = workerStatus(0, { workerId: 'newcomer', isMember: false, state: 'ready' });
    const lines = frameLines(
      status({ faults: 1, lastFault: 'worker x is gone', workers: [waiting, workerStatus(1), workerStatus(0)] }),
      terminal,
    );
    expect(lines[2]).toMatch(/ {2}1 fault$/);
    expect(lines[3]).toBe('last fault: worker x is gone');
    expect(lines.slice(5).map((line) => line.slice(0, 22).trimEnd())).toEqual([
      '   0  host-100-abcdef',
      '   1  host-101-abcdef',
      '   -  newcomer',
    ]);
  });

  it('says whom all wait for', () => {
    const lines = frameLines(status({ stragglers: 'worker a takes 2.0 times as long' }), terminal);
    expect(lines[3]).toBe('straggler: worker a takes 2.0 times as long');
    const odd = frameLines(status({ outliers: 'worker a: its gradient is 20 times' }), terminal);
    expect(odd[3]).toBe('outlier: worker a: its gradient is 20 times');
  });

  it('says that engines are mixed, and which worker has which', () => {
    const mixed = status({
      mixedEngines: 'mixed engines: onnxruntime/cpu, onnxruntime/webgpu; the result depends on',
      workers: [workerStatus(0), workerStatus(1, { device: 'webgpu' }), workerStatus(2, { engine: '', device: '' })],
    });
    const lines = frameLines(mixed, { ...terminal, columns: 140 });
    expect(lines[3]).toBe('mixed engines: onnxruntime/cpu, onnxruntime/webgpu; the result depends on');
    expect(lines.slice(4).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'engine',
      'onnxruntime/cpu',
      'onnxruntime/webgpu',
      '-',
    ]);
  });

  it('is never wider than the terminal, nor higher with many workers', () => {
    const workers = Array.from({ length: 60 }, (_, rank) => workerStatus(rank));
    const lines = frameLines(status({ workers }), { ...terminal, columns: 40, rows: 20 });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(lines.length).toBeLessThan(20);
    expect(lines.at(-1)).toBe('... 50 more');
  });
});

test.each([
  [0, 1, 0],
  [1, 1, 0.01],
  [100, 1, 1],
  [101, 2, 0.01],
  [400, 4, 1],
])('after step %d of 4 epochs of 100 it is epoch %d, done to %d', (step, epoch, share) => {
  const progress = epochProgress(status({ step, totalSteps: 400, epochs: 4 }));
  expect(progress.epoch).toBe(epoch);
  expect(progress.share).toBeCloseTo(share);
});

test.each([
  ['on a terminal', true, {}, true],
  ['in a pipe', false, {}, false],
  ['against NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['on a dumb terminal', true, { TERM: 'dumb' }, false],
])('uses colours %s: %s', (_, isTTY, env, isColoured) => {
  expect(paletteFor({ isTTY }, env).strong('x') !== 'x').toBe(isColoured);
});
