import { describe, expect, it } from 'vitest';
import type { SanityCheck } from './report.js';
import { summariseChecks } from './robustness-words.js';

const check = (name: string, verdict: SanityCheck['verdict'], detail = 'numbers'): SanityCheck => ({
  ...{ name, norm: 'linf', claim: 'claim', verdict, detail },
});

describe('the verdict on all checks', () => {
  it('is that all passed only when all were made', () => {
    expect(summariseChecks([check('a', 'pass'), check('b', 'pass')])).toEqual({
      verdict: '2 of 2 passed',
      note: undefined,
    });
  });

  it('counts what was not checked as not passed, and says which and why', () => {
    const why = 'square was not asked for';
    expect(summariseChecks([check('a', 'pass'), check('b', 'skipped', why), check('c', 'skipped', why)])).toEqual({
      verdict: '1 of 3 passed',
      note: `not checked b (linf), c (linf), because ${why}`,
    });
  });

  it('says first what failed', () => {
    expect(
      summariseChecks([check('a', 'fail'), check('b', 'skipped', 'of so few samples'), check('c', 'pass')]),
    ).toEqual({
      verdict: '1 of 3 failed',
      note: 'do not believe the numbers: failed a (linf); not checked b (linf), because of so few samples',
    });
  });
});
