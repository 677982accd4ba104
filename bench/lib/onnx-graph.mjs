/**
 * Hand-made ONNX graphs on one thread of the worker's onnxruntime: to compare ways of computing the same thing. The session
 * options are those of the engine, so its optimiser may fuse what it fuses there.
 */
import { createRequire } from 'node:module';
import { encodeOnnxModel, ONNX_ATTRIBUTE, ONNX_TYPE } from '../../packages/worker/dist/compiler/onnx/onnx-schema.js';
import { randomValues } from './program-session.mjs';

// The worker's own onnxruntime; the workspace itself depends on none.
const require = createRequire(new URL('../../packages/worker/package.json', import.meta.url));
const { InferenceSession, Tensor } = require('onnxruntime-node');

const OPSETS = [
  { domain: '', version: 23 },
  { domain: 'com.microsoft', version: 1 },
];
const IR_VERSION = 10;
const SESSION_OPTIONS = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4,
};

/** Marks a number as a float attribute; plain numbers and lists are integers. */
export const float = (f) => ({ f });

const elements = (shape) => shape.reduce((product, size) => product * size, 1);

/** Collects nodes and constants. */
export function createGraph() {
  const nodes = [];
  const constants = new Map();
  const constant = (name, dims, dataType, values) => {
    constants.set(name, { name, dims, dataType, rawData: new Uint8Array(values.buffer) });
    return name;
  };
  /** Adds a node; returns the name of its result, or a list when it has several. `null` is an input or result left out. */
  const op = (opType, inputs, { domain = '', results = 1, ...attributes } = {}) => {
    const kept = Array.isArray(results) ? results : Array.from({ length: results }, () => true);
    const output = kept.map((isKept, i) => (isKept ? `v${nodes.length}_${i}` : ''));
    const attribute = Object.entries(attributes).map(([name, value]) => {
      if (Array.isArray(value)) return { name, type: ONNX_ATTRIBUTE.ints, ints: value };
      if (typeof value === 'object') return { name, type: ONNX_ATTRIBUTE.float, f: value.f };
      return { name, type: ONNX_ATTRIBUTE.int, i: value };
    });
    const input = inputs.map((name) => name ?? '');
    nodes.push({ name: `n${nodes.length}`, opType, domain, input, output, attribute });
    return results === 1 ? output[0] : output;
  };
  return {
    nodes,
    constants,
    op,
    microsoft: (opType, inputs, attributes) => op(opType, inputs, { domain: 'com.microsoft', ...attributes }),
    scalar: (value) => constant(`s${value}`, [], ONNX_TYPE.float32, Float32Array.of(value)),
    filled: (value, shape) =>
      constant(`f${value}_${shape}`, shape, ONNX_TYPE.float32, new Float32Array(elements(shape)).fill(value)),
    integers: (values) => constant(`i${values}`, [values.length], ONNX_TYPE.int64, BigInt64Array.from(values, BigInt)),
  };
}

const valueInfo = ([name, shape]) => ({
  name,
  type: { tensorType: { elemType: ONNX_TYPE.float32, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

async function openSession(graph, inputs, outputs) {
  // The names of results are free inside a graph; Identity gives them the names of its outputs.
  for (const [name, { from }] of Object.entries(outputs)) {
    graph.nodes.push({ name: `out_${name}`, opType: 'Identity', input: [from], output: [name], attribute: [] });
  }
  const model = encodeOnnxModel({
    irVersion: IR_VERSION,
    producerName: 'facet-bench',
    opsetImport: OPSETS,
    graph: {
      name: 'ops',
      node: graph.nodes,
      initializer: [...graph.constants.values()],
      input: Object.entries(inputs).map(valueInfo),
      output: Object.entries(outputs).map(([name, { shape }]) => valueInfo([name, shape])),
    },
  });
  return InferenceSession.create(model, {
    ...SESSION_OPTIONS,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

/**
 * A candidate, several times in one graph, so that calling onnxruntime costs little of what is measured. Where results
 * are chained, each copy reads what the one before wrote, warm in the cache as in a real program; nothing else is shared,
 * or the optimiser would compute it once.
 *
 * @param operation {inputs, outputs: name -> shape, chain: result -> input of the next copy}
 * @param build (graph, names of inputs) -> names of results
 */
export async function openCopies({ inputs, outputs, chain = {} }, build, copies, values = {}) {
  const graph = createGraph();
  const graphInputs = {};
  const graphOutputs = {};
  let chained = {};
  for (let copy = 0; copy < copies; copy++) {
    const names = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => {
        if (name in chained) return [name, chained[name]];
        graphInputs[`${name}${copy}`] = shape;
        return [name, `${name}${copy}`];
      }),
    );
    const results = build(graph, names);
    chained = {};
    for (const [name, shape] of Object.entries(outputs)) {
      if (!(name in results)) continue; // An evaluation-only candidate lacks what training needs.
      if (name in chain && copy + 1 < copies) chained[chain[name]] = results[name];
      else graphOutputs[`${name}_${copy}`] = { from: results[name], shape };
    }
  }
  const session = await openSession(graph, graphInputs, graphOutputs);
  const tensor = (shape, array) => new Tensor('float32', array, shape);
  const feeds = Object.fromEntries(
    Object.entries(graphInputs).map(([name, shape]) => [
      name,
      tensor(shape, values[name.slice(0, -1)] ?? randomValues(elements(shape))),
    ]),
  );
  const fetches = Object.fromEntries(
    Object.entries(graphOutputs).map(([name, { shape }]) => [name, tensor(shape, new Float32Array(elements(shape)))]),
  );
  return {
    run: () => session.run(feeds, fetches),
    /** Results of the first copy by name. */
    results: () =>
      Object.fromEntries(
        Object.entries(fetches)
          .filter(([name]) => name.endsWith('_0'))
          .map(([name, { data }]) => [name.slice(0, -2), data]),
      ),
    close: () => session.release(),
  };
}
