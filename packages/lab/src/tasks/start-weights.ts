/**
 * The weights that a run starts with when it starts from those of another: a parameter of the same name and shape is taken, and
 * what depends on the number of classes may begin anew. Pure: reading and writing are the caller's.
 */
import { TrainingError, type ParameterLayout } from '@facet/shared';

export interface SourceWeights {
  /** Run and step, for messages. */
  readonly name: string;
  readonly layout: readonly ParameterLayout[];
  /** Flat, as the layout says. */
  readonly weights: Float32Array;
}

export interface StartWeightsOptions {
  readonly source: SourceWeights;
  readonly layout: readonly ParameterLayout[];
  /** [parameters]; those that the seed gives. */
  readonly initial: Float32Array;
  /** Classes of the new run; 0 where answers are no classes. */
  readonly classes: number;
  /** `all`: everything but the head must fit. `what-fits`: the rest begins anew, or is left out. */
  readonly take: 'all' | 'what-fits';
}

export interface StartWeights {
  readonly weights: Float32Array;
  readonly taken: readonly string[];
  /** As the seed gives them. */
  readonly fresh: readonly string[];
  /** Of the source, and not in the new model. */
  readonly left: readonly string[];
}

const MOST_NAMED = 8;

/** @throws TrainingError CHECKPOINT_INCOMPATIBLE naming the parameters that do not fit, or when none does. */
export function startWeights({ source, layout, initial, classes, take }: StartWeightsOptions): StartWeights {
  const weights = initial.slice();
  const [taken, fresh, faults]: [string[], string[], string[]] = [[], [], []];
  const found = new Map(source.layout.map((slot) => [slot.name, slot]));
  for (const { name, shape, offset, length } of layout) {
    const other = found.get(name);
    found.delete(name);
    if (other !== undefined && other.shape.join() === shape.join()) {
      weights.set(source.weights.subarray(other.offset, other.offset + length), offset);
      taken.push(name);
      continue;
    }
    fresh.push(name);
    if (other === undefined) faults.push(`${name} [${shape.join(', ')}] is not in it`);
    else if (!isHead(other.shape, shape, classes)) {
      faults.push(`${name} is [${other.shape.join(', ')}] there, expected [${shape.join(', ')}]`);
    }
  }
  const left = [...found.keys()];
  const problems = [...faults, ...left.map((name) => `${name} is in it, but not in this model`)];
  if (taken.length === 0 || (take === 'all' && problems.length > 0)) {
    const shown = problems.slice(0, MOST_NAMED).join('; ');
    const more = problems.length > MOST_NAMED ? `; and ${problems.length - MOST_NAMED} more` : '';
    const advice =
      taken.length === 0
        ? 'no parameter fits; choose its preset or task'
        : 'choose its preset or task, or take what fits with --no-strict';
    throw new TrainingError(
      'CHECKPOINT_INCOMPATIBLE',
      `the weights of ${source.name} do not fit: ${shown}${more}; ${advice}`,
    );
  }
  return { weights, taken, fresh, left };
}

/** Shapes that differ in one dimension alone, which is the number of classes. */
function isHead(before: readonly number[], now: readonly number[], classes: number): boolean {
  if (before.length !== now.length) return false;
  const differing = now.flatMap((size, axis) => (size === before[axis] ? [] : [size]));
  return differing.length === 1 && differing[0] === classes;
}
