/**
 * A model of tf.layers as the model of a task. Its weights start as its own initialisers say, drawn from the run's seed, so
 * that every worker starts with the same ones.
 */
import * as tf from '@tensorflow/tfjs';
import { applyLayers, layerNoise, layerWeights, type LayerWeight } from '@facet/compiler';
import { randomKey, randomStream, TrainingError } from '@facet/shared';
import type { ModelContext, TaskModel } from '../define/define-task.js';
import type { ParameterStart } from '../define/parameter-starts.js';

export interface FromLayersOptions {
  /** Fields of the sample for the inputs of the model, in their order. Default: see `fromLayers`. */
  readonly inputs?: readonly string[];
}

/**
 * Makes the `model` of a task from a function that builds a tf.LayersModel.
 *
 * An input of the model that is named like a field gets that field. A single input gets the only field that is not the
 * label.
 *
 * @throws TrainingError CAPTURE_UNSUPPORTED naming a layer that cannot be captured; TASK_INVALID.
 */
export function fromLayers<Options = unknown>(
  build: (context: ModelContext<Options>) => tf.LayersModel,
  { inputs }: FromLayersOptions = {},
): (context: ModelContext<Options>) => TaskModel {
  return (context) => {
    const model = withSeededRandom(randomKey('initialisation', context.seed), () => build(context));
    const isModel = typeof model === 'object' && 'apply' in model && Array.isArray(model.inputs);
    if (!isModel) {
      throw new TrainingError(
        'TASK_INVALID',
        'fromLayers: the function returns no tf.LayersModel; return tf.sequential(...) or tf.model(...)',
      );
    }
    const names = inputs ?? inputFields(model, context);
    const declared = withSteadyNames(layerWeights(model));
    const values = model.getWeights(false).map((weight) => weight.dataSync() as Float32Array);
    const starts: Record<string, ParameterStart> = {};
    const frozen = new Map<string, { readonly shape: readonly number[]; readonly values: Float32Array }>();
    declared.forEach(({ steady: name, shape, isTrainable }, at) => {
      const own = Float32Array.from(values[at]!);
      if (isTrainable) {
        starts[name] = { shape, initialiser: { kind: 'given', values: own }, decays: shape.length > 1 };
      } else {
        frozen.set(name, { shape, values: own });
      }
    });
    // By their place in the model: names of layers are not the same in every process.
    const noise = Object.fromEntries(layerNoise(model).map((one, place) => [`layer${place}`, one]));
    return {
      parameters: starts,
      noise,
      predict(parameters, sample, drawn) {
        const all = new Map<string, tf.Tensor>();
        for (const { name, steady } of declared) {
          const kept = frozen.get(steady);
          all.set(name, kept === undefined ? parameters.get(steady)! : tf.tensor(kept.values, [...kept.shape]));
        }
        const [answer, ...others] = applyLayers(
          model,
          all,
          names.map((name) => sample[name]!),
          Object.keys(noise).map((name) => drawn[name]!),
        );
        if (others.length === 0) return answer!;
        throw new TrainingError(
          'TASK_INVALID',
          `fromLayers: the model has ${others.length + 1} outputs, expected one; concatenate them, or write the model with predict`,
        );
      },
    };
  };
}

/** `_Dense7` of `dense_Dense7`. */
const COUNTED = /_([A-Z][A-Za-z0-9]*?)(\d+)(?=\/|$)/g;

/**
 * tf.layers names layers by a count of all that this process ever made: `dense_Dense7/kernel`. Parameters need names that are
 * the same in every process, so layers are counted within their model: `dense_1/kernel`.
 *
 * @throws TrainingError TASK_INVALID when a layer was given such a name.
 */
function withSteadyNames(declared: readonly LayerWeight[]): (LayerWeight & { readonly steady: string })[] {
  const places = new Map<string, string>();
  const counts = new Map<string, number>();
  const named = declared.map((weight) => {
    const steady = weight.name.replace(COUNTED, (given, kind: string, _count: string, at: number) => {
      const before = weight.name.slice(0, at).replaceAll('_', '').toLowerCase();
      if (!before.endsWith(kind.toLowerCase())) return given;
      const found = places.get(weight.name.slice(0, at) + given);
      if (found !== undefined) return found;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      places.set(weight.name.slice(0, at) + given, `_${count}`);
      return `_${count}`;
    });
    return { ...weight, steady };
  });
  const twice = named.find(({ steady }, at) => named.findIndex((other) => other.steady === steady) !== at);
  if (twice === undefined) return named;
  throw new TrainingError(
    'TASK_INVALID',
    `fromLayers: a layer is named like one without a name would be, and two weights are ${twice.steady}; give all layers names, or none`,
  );
}

/** @throws TrainingError TASK_INVALID when it is not clear which field an input takes. */
function inputFields(model: tf.LayersModel, { fields }: Pick<ModelContext, 'fields'>): string[] {
  const names = Object.keys(fields);
  const others = names.filter((name) => name !== 'label' && name !== 'target');
  return model.inputs.map((input) => {
    const own = input.name.replace(/_input$/, '');
    const found = names.find((name) => name === input.name || name === own);
    if (found !== undefined) return found;
    if (model.inputs.length === 1 && others.length === 1) return others[0]!;
    throw new TrainingError(
      'TASK_INVALID',
      `fromLayers: the input ${input.name} is not named like a field of the samples (${names.join(', ')}); name it so, or give the fields: fromLayers(build, { inputs: [...] })`,
    );
  });
}

/**
 * The initialisers of tf.layers draw their seeds from Math.random. While they do, it is a function of the run's seed. Nothing
 * else runs meanwhile: building is synchronous.
 */
function withSeededRandom<T>(key: number, build: () => T): T {
  const original = Math.random;
  const stream = randomStream(key);
  Math.random = () => stream.nextUniform();
  try {
    return build();
  } finally {
    Math.random = original;
  }
}
