/**
 * A candidate on one thread of onnxruntime. The session options are those of the engine, so that the optimiser may fuse what
 * it fuses there.
 */
import { elementCount } from '@facet/compiler';
import { encodeOnnxModel, ONNX_TYPE } from '@facet/compiler/internal';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { randomValues } from '../random-values.js';
import { createGraph, type Graph, type Value } from './onnx-graph.js';
import type { Candidate, Operation, Sizes } from './operation.js';

const OPSETS = [
  { domain: '', version: 23 },
  { domain: 'com.microsoft', version: 1 },
];
const IR_VERSION = 10;
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
};

/** Inputs by name. */
export type Values = Readonly<Record<string, Float32Array>>;

export interface OpenCopies {
  run(): Promise<unknown>;
  /** Results of the first copy by name. */
  results(): Values;
  close(): Promise<void>;
}

interface GraphOutput {
  readonly from: Value;
  readonly shape: Sizes;
}

/**
 * A candidate, several times in one graph, so that calling onnxruntime costs little of what is measured. Where results
 * are chained, each copy reads what the one before wrote, warm in the cache as in a real program; nothing else is shared,
 * or the optimiser would compute it once.
 *
 * @param values of the inputs; those without any are random
 */
export async function openCopies(
  { inputs, outputs, chain = {} }: Operation,
  build: Candidate,
  copies: number,
  values: Partial<Values> = {},
): Promise<OpenCopies> {
  const graph = createGraph();
  const graphInputs: Record<string, { readonly of: string; readonly shape: Sizes }> = {};
  const graphOutputs: Record<string, GraphOutput> = {};
  let chained: Record<string, Value> = {};
  for (let copy = 0; copy < copies; copy++) {
    const names = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => {
        const before = chained[name];
        if (before !== undefined) return [name, before];
        graphInputs[`${name}${copy}`] = { of: name, shape };
        return [name, `${name}${copy}`];
      }),
    );
    const results = build(graph, names);
    chained = {};
    for (const [name, shape] of Object.entries(outputs)) {
      const from = results[name];
      if (from === undefined) continue; // An evaluation-only candidate lacks what training needs.
      const next = chain[name];
      if (next !== undefined && copy + 1 < copies) chained[next] = from;
      else graphOutputs[`${name}_${copy}`] = { from, shape };
    }
  }
  const shapes = Object.fromEntries(Object.entries(graphInputs).map(([name, { shape }]) => [name, shape]));
  const session = await openSession(graph, shapes, graphOutputs);
  const feeds = mapValues(graphInputs, ({ of, shape }) => {
    return tensor(shape, values[of] ?? randomValues(elementCount(shape)));
  });
  const fetches = mapValues(graphOutputs, ({ shape }) => tensor(shape, new Float32Array(elementCount(shape))));
  return {
    run: () => session.run(feeds, fetches),
    results: () =>
      Object.fromEntries(
        Object.entries(fetches)
          .filter(([name]) => name.endsWith('_0'))
          .map(([name, { data }]) => [name.slice(0, -2), data as Float32Array]),
      ),
    close: () => session.release(),
  };
}

const tensor = (shape: Sizes, values: Float32Array): Tensor => new Tensor('float32', values, shape);

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

const valueInfo = (name: string, shape: Sizes) => ({
  name,
  type: { tensorType: { elemType: ONNX_TYPE.float32, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

async function openSession(
  graph: Graph,
  inputs: Readonly<Record<string, Sizes>>,
  outputs: Readonly<Record<string, GraphOutput>>,
): Promise<InferenceSession> {
  // The names of results are free inside a graph; Identity gives them the names of its outputs.
  const renamed = Object.entries(outputs).map(([name, { from }]) => ({
    name: `out_${name}`,
    opType: 'Identity',
    domain: '',
    input: [from],
    output: [name],
    attribute: [],
  }));
  const model = encodeOnnxModel({
    irVersion: IR_VERSION,
    producerName: 'facet-bench',
    opsetImport: OPSETS,
    metadataProps: [],
    graph: {
      name: 'ops',
      node: [...graph.nodes, ...renamed],
      initializer: [...graph.constants.values()],
      input: Object.entries(inputs).map(([name, shape]) => valueInfo(name, shape)),
      output: Object.entries(outputs).map(([name, { shape }]) => valueInfo(name, shape)),
    },
  });
  return InferenceSession.create(model, SESSION_OPTIONS);
}
