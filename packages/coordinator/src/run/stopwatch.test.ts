import { describe, expect, it } from 'vitest';
import { Stopwatch } from './stopwatch.js';

/** A stopwatch and the milliseconds that it reads. */
function manual(): { readonly watch: Stopwatch; readonly pass: (ms: number) => void } {
  let nowMs = 0;
  return {
    watch: new Stopwatch(() => nowMs, { seconds: 0, samples: 0 }),
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

describe('the time that is left', () => {
  it('is unknown before a step was measured', () => {
    const { watch, pass } = manual();
    expect(watch.remainingSeconds({ samples: 1_000, evaluations: 3 })).toBe(0);
    watch.start();
    pass(100);
    expect(watch.remainingSeconds({ samples: 1_000, evaluations: 3 })).toBe(0);
  });

  it('is right for a run whose steps and evaluations go on as they went', () => {
    const { watch, pass } = manual();
    const epochs = 10;
    const stepsPerEpoch = 20;
    let leftMs = 0;
    const said: { readonly seconds: number; readonly leftMs: () => number }[] = [];
    let elapsedMs = 0;
    const go = (ms: number): void => {
      pass(ms);
      elapsedMs += ms;
    };
    watch.start();
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let step = 1; step <= stepsPerEpoch; step++) {
        go(50);
        watch.lap(64);
        if (step === stepsPerEpoch) watch.pause();
        else watch.start();
        const steps = (epochs - epoch) * stepsPerEpoch - step;
        const isEvaluating = step === stepsPerEpoch ? 1 : 0;
        const asked = { samples: steps * 64, evaluations: Math.ceil(steps / stepsPerEpoch) + isEvaluating };
        const atMs = elapsedMs;
        said.push({ seconds: watch.remainingSeconds(asked), leftMs: () => leftMs - atMs });
      }
      // An evaluation takes half as long as an epoch.
      go(500);
      watch.start();
    }
    leftMs = elapsedMs;
    // From a tenth of the run on, within a fifth.
    for (const { seconds, leftMs: left } of said.slice(stepsPerEpoch + 1)) {
      expect(seconds * 1_000).toBeGreaterThan(0.8 * left());
      expect(seconds * 1_000).toBeLessThan(1.2 * left());
    }
  });

  it('takes no pause for an evaluation that was none', () => {
    const { watch, pass } = manual();
    watch.start();
    pass(10);
    watch.lap(1);
    watch.pause();
    pass(30);
    watch.pause();
    watch.start();
    pass(5);
    watch.start();
    expect(watch.remainingSeconds({ samples: 0, evaluations: 1 })).toBe(0.03);
  });
});
