// `npm run bench -- engine-ops [--turns N] [--only TEXT] [--json]`: ways to compute the coarse operations in onnxruntime on
// one thread, at the shapes of the two plain transformers and of mnist-fast, taking turns. `ratio` is the time of what the
// engine does now divided by the candidate's, `maxDifference` relative to the largest value. It decides what programs use.

import { parseArgs } from 'node:util';
import { DATASET_SHAPES, PRESETS } from '@facet/shared';
import { captureProgram } from '../packages/worker/dist/compiler/capture/capture.js';
import { describeTraining, microBatchShape } from '../packages/worker/dist/engine/micro-batch-program.js';
import { attentionOperations } from './lib/attention-candidates.mjs';
import { median, publish, quantile, round } from './lib/figures.mjs';
import { geluOperations } from './lib/gelu-candidates.mjs';
import { layerNormOperations } from './lib/layer-norm-candidates.mjs';
import { linearOperations } from './lib/linear-candidates.mjs';
import { openCopies } from './lib/onnx-graph.mjs';
import { LARGE, SMALL } from './lib/plain-vit.mjs';
import { randomValues } from './lib/program-session.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    turns: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
  },
});
const TURNS = Number(options.turns);
/** Copies of a candidate in one graph, see openCopies: as many as fit a run that others on the machine seldom interrupt. */
const MAX_COPIES = 4;
const RUN_MS = 1;
const SINGLE_TURNS = 3;
const TURN_MS = 10;
const MLP_RATIO = 2;

/** Noise only ever adds: a low quantile is what a run takes when nobody else needs the processor. */
const undisturbed = (times) => quantile(times, 0.1);

/** [batch, heads, tokens, headWidth] of each model, in a micro-batch that suits it. */
const MODELS = {
  large: vitShape(LARGE, 16),
  small: vitShape(SMALL, 64),
  'mnist-fast': await presetShape('mnist-fast'),
};

function vitShape({ heads, tokens, width }, batch) {
  return { batch, heads, tokens, headWidth: width / heads };
}

async function presetShape(name) {
  const preset = PRESETS[name];
  const program = await captureProgram(describeTraining(microBatchShape(DATASET_SHAPES[preset.dataset], preset)));
  const node = program.nodes.find(({ op }) => op.kind === 'attention');
  const [size, heads, tokens, headWidth] = program.values[node.inputs[0]].shape;
  return { batch: size, heads, tokens, headWidth };
}

function operationsOf(shape) {
  const rows = shape.batch * shape.tokens;
  const width = shape.heads * shape.headWidth;
  const hidden = MLP_RATIO * width;
  return [
    ...linearOperations({ rows, from: width, to: 3 * width }),
    ...linearOperations({ rows, from: width, to: hidden }),
    ...linearOperations({ rows, from: hidden, to: width }),
    ...geluOperations({ rows, width: hidden }),
    ...layerNormOperations({ rows, width }),
    ...attentionOperations(shape),
  ];
}

/** Milliseconds of one copy, for as many runs as fit into a turn. */
async function takeTurn({ run }, copies, times) {
  const endAt = performance.now() + TURN_MS;
  do {
    const startedAt = performance.now();
    await run();
    times.push((performance.now() - startedAt) / copies);
  } while (performance.now() < endAt);
}

/** Opens every candidate that onnxruntime takes; says what it does not take, and why. */
async function openCandidates(operation, values) {
  const open = new Map();
  let copies;
  for (const [name, build] of Object.entries(operation.candidates)) {
    try {
      const single = await openCopies(operation, build, 1, values);
      await single.run();
      const results = single.results();
      copies ??= await copiesThatFit(single);
      await single.close();
      const timed = await openCopies(operation, build, copies, operation.values);
      await timed.run();
      open.set(name, { results, timed, copies, times: [] });
    } catch (caught) {
      const reason = caught.message.trim().split('\n')[0];
      console.error(`skipped: ${operation.op} ${operation.shape}, ${name}: ${reason}`);
    }
  }
  return open;
}

async function copiesThatFit(single) {
  const times = [];
  for (let i = 0; i < SINGLE_TURNS; i++) await takeTurn(single, 1, times);
  return Math.max(1, Math.min(MAX_COPIES, Math.floor(RUN_MS / undisturbed(times))));
}

/** The largest difference, relative to the largest value of the same result. */
function maxDifference(reference, actual) {
  let largest = 0;
  for (const [name, values] of Object.entries(actual)) {
    const scale = reference[name].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(values[i] - reference[name][i]) / scale;
      // A NaN is the largest of all.
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}

const rows = [];
for (const [model, shape] of Object.entries(MODELS)) {
  for (const operation of operationsOf(shape)) {
    if (!`${model} ${operation.op}`.includes(options.only)) continue;
    const elements = (sizes) => sizes.reduce((product, size) => product * size, 1);
    const values = Object.fromEntries(
      Object.entries(operation.inputs).map(([name, sizes]) => [
        name,
        operation.values?.[name] ?? randomValues(elements(sizes)).map((value) => value * 32),
      ]),
    );
    const open = await openCandidates(operation, values);
    for (let turn = 0; turn < TURNS; turn++) {
      for (const { timed, copies, times } of open.values()) await takeTurn(timed, copies, times);
    }
    const [now] = open.values();
    for (const [candidate, { times, timed, results }] of open) {
      rows.push({
        model,
        op: operation.op,
        shape: operation.shape,
        candidate,
        ms: round(median(times)),
        undisturbedMs: round(undisturbed(times)),
        ratio: round(undisturbed(now.times) / undisturbed(times)),
        maxDifference: round(maxDifference(now.results, results)),
      });
      await timed.close();
    }
  }
}
publish({ bench: 'engine-ops', rows, figures: {}, ratios: {}, isJson: options.json });
