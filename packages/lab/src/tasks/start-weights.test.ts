import { describe, expect, it } from 'vitest';
import { startWeights, type StartWeightsOptions } from './start-weights.js';

type Layout = StartWeightsOptions['layout'];

function layoutOf(...slots: readonly (readonly [name: string, ...shape: number[]])[]): Layout {
  let offset = 0;
  return slots.map(([name, ...shape]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    offset += length;
    return { name, shape, offset: offset - length, length };
  });
}

/** The source holds 1, 2, 3 and so on; the seed gives zeros. */
function start(source: Layout, layout: Layout, more: Partial<StartWeightsOptions> = {}) {
  const lengthOf = (of: Layout): number => of.reduce((sum, { length }) => sum + length, 0);
  const weights = Float32Array.from({ length: lengthOf(source) }, (_, i) => i + 1);
  return startWeights({
    ...{ source: { name: 'old, step 9', layout: source, weights }, layout, take: 'all' },
    ...{ initial: new Float32Array(lengthOf(layout)), classes: 3, ...more },
  });
}

const OLD = layoutOf(['stem', 2, 2], ['head.weight', 2, 2], ['head.bias', 2]);

describe('the weights that a run starts with', () => {
  it('are those of the source, wherever they lie in it', () => {
    const now = layoutOf(['head.bias', 2], ['stem', 2, 2], ['head.weight', 2, 2]);
    const { weights, taken, fresh, left } = start(OLD, now);
    expect([...weights]).toEqual([9, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect({ taken, fresh, left }).toEqual({ taken: ['head.bias', 'stem', 'head.weight'], fresh: [], left: [] });
  });

  it('have a head as the seed gives it if the number of classes is another', () => {
    const now = layoutOf(['stem', 2, 2], ['head.weight', 2, 3], ['head.bias', 3]);
    const { weights, fresh } = start(OLD, now);
    expect([...weights]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(fresh).toEqual(['head.weight', 'head.bias']);
  });

  it('must fit otherwise, and all that does not is named', () => {
    const some = layoutOf(['stem', 2, 2], ['head.weight', 5, 2], ['norm', 4]);
    expect(() => start(OLD, some)).toThrow(
      'the weights of old, step 9 do not fit: head.weight is [2, 2] there, expected [5, 2]; norm [4] is not in it; ' +
        'head.bias is in it, but not in this model; choose its preset or task, or take what fits with --no-strict',
    );
  });

  it('are what fits if that is asked for; nothing at all is a mistake all the same', () => {
    const some = layoutOf(['stem', 2, 2], ['head.weight', 5, 2], ['norm', 4]);
    const { taken, fresh, left } = start(OLD, some, { take: 'what-fits' });
    expect({ taken, fresh, left }).toEqual({ taken: ['stem'], fresh: ['head.weight', 'norm'], left: ['head.bias'] });
    expect(() => start(OLD, layoutOf(['other', 2]), { take: 'what-fits' })).toThrow(/no parameter fits/);
  });
});
