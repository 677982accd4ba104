import { describe, expect, it, test } from 'vitest';
import { NORMS } from '@facet/multiview/config';
import { ATTACK_NAMES } from '@facet/multiview/internal';
import { corruptionNames } from '@facet/lab/internal';
import { corruptionsNamed, readRobustnessFlags, type RobustnessFlags } from './robustness-options.js';

const names = { attacks: ATTACK_NAMES, norms: NORMS };
const typed: RobustnessFlags = {
  samples: '1000',
  seed: '0',
  attacks: 'fgsm,pgd,pgd-margin,square',
  corruptions: 'standard',
  threads: '0',
};
const read = (flags: Partial<RobustnessFlags>) => readRobustnessFlags({ ...typed, ...flags }, names);

describe('the flags', () => {
  it('ask for every attack in both norms when nothing else is said', () => {
    const { choice, samples, device } = read({});
    expect(choice).toEqual({ attacks: [...ATTACK_NAMES], norms: [...NORMS] });
    expect([samples, device]).toEqual([1_000, 'cpu']);
  });

  it('take a size as a number or a fraction, of one norm', () => {
    expect(read({ eps: '8/255' }).choice).toMatchObject({ eps: 8 / 255, norms: ['linf'] });
    expect(read({ eps: '2', norm: 'l2' }).choice).toMatchObject({ eps: 2, norms: ['l2'] });
  });

  it('keep attacks in the order in which they run, and none is none', () => {
    expect(read({ attacks: 'square, fgsm' }).choice.attacks).toEqual(['fgsm', 'square']);
    expect(read({ attacks: 'none' }).choice.attacks).toEqual([]);
  });
});

test.each<[string, Partial<RobustnessFlags>, string]>([
  ['a size of nothing', { eps: '0' }, "--eps: '0', expected a number above 0 and at most 1 in linf"],
  ['a size in grey levels', { eps: '8' }, "--eps: '8', expected a number above 0 and at most 1 in linf"],
  ['a size below zero', { eps: '-0.1' }, "--eps: '-0.1', expected"],
  ['half a fraction', { eps: '8/' }, "--eps: '8/', expected"],
  ['a division by zero', { eps: '1/0' }, "--eps: '1/0', expected"],
  ['a size far out in L2', { eps: '101', norm: 'l2' }, 'at most 100 in l2'],
  ['one size of two norms', { eps: '0.1', norm: 'both' }, "--norm: 'both' and one --eps, expected linf or l2"],
  ['an unknown norm', { norm: 'l1' }, "--norm: 'l1', expected linf, l2 or both"],
  [
    'an unknown attack',
    { attacks: 'fgsm,squar' },
    "--attacks: 'squar', expected none or some of fgsm, pgd, pgd-margin, square; did you mean square?",
  ],
  ['no samples', { samples: '0' }, "--samples: '0', expected a whole number from 1 to 1000000"],
  ['half a step', { steps: '1.5' }, "--steps: '1.5', expected a whole number from 1 to 1000000"],
  ['more threads than are of use', { threads: '9999' }, "--threads: '9999', expected a whole number from 0 to "],
  ['no restarts', { restarts: '0' }, "--restarts: '0', expected a whole number from 1 to 1000000"],
  ['an unknown device', { device: 'gpu' }, "--device: 'gpu', expected one of"],
])('refuses %s', (_, flags, problem) => {
  expect(() => read(flags)).toThrow(problem);
});

test('tells all problems at once', () => {
  expect(() => read({ eps: 'x', samples: 'y' })).toThrow(/--eps: 'x'.*\n--samples: 'y'/);
});

describe('--corruptions', () => {
  const shape = { image: { height: 28, width: 28, channels: 1 }, classes: 10 };
  const named = (text: string) => corruptionsNamed(text, corruptionNames('mnist'), shape);

  it('takes names, standard and none', async () => {
    expect(await named('fog,frost')).toEqual({ kind: 'generated', names: ['fog', 'frost'] });
    expect(await named('standard')).toEqual({ kind: 'generated', names: 'standard' });
    expect(await named('none')).toEqual({ kind: 'none' });
  });

  it('refuses what is neither a name nor a folder', async () => {
    await expect(named('fogg')).rejects.toThrow(
      /^--corruptions: 'fogg' is neither a corruption of this dataset nor a folder, .* did you mean fog\?$/,
    );
  });
});
