/**
 * Numbers that explode end a run by name: the step and the tensor in which they were first seen, with what to do.
 */
import { expect, it } from 'vitest';
import { openWorkspace } from '../testkit/facet.js';

it(
  'names the step and the tensor when the gradient is no number, and what to change',
  { timeout: 60_000 },
  async () => {
    await using workspace = await openWorkspace();
    const settings = [
      'samples.train=512',
      'samples.test=128',
      'optimizer.peakLearningRate=1e30',
      'optimizer.warmupShare=0',
    ];
    const { code, stderr } = await workspace.run([
      ...['up', '--dataset', 'mnist', '--workers', '2'],
      ...settings.flatMap((setting) => ['--set', setting]),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the gradient of step \d+ is not finite, first in [a-z0-9.]+; lower optimizer\.peakLearningRate or turn on optimizer\.clipNorm/,
    );
  },
);
