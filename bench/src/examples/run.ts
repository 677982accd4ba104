/** Trains the examples one after the other, then lets everybody who computes the gradient of layers-cnn take turns. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchContext, Run } from '../bench.js';
import { median, medianRatio, round } from '../figures.js';
import { takeTurns } from '../process/turns.js';
import type { ExamplesFigures, ExamplesOptions, ExamplesRatios, ExamplesRow } from './definition.js';
import { openGradients } from './gradient.js';
import { trainExample } from './train-example.js';

/** Above this it is another function, or wrong. */
const LARGEST_DEVIATION = 1e-4;

export const runExamples: Run<ExamplesOptions, ExamplesRow, ExamplesFigures, ExamplesRatios> = async (
  { examples, workers, turns },
  context,
) => {
  const notes: string[] = [];
  const gradients = await measureGradients(turns, notes, context);
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-bench-'));
  const rows: ExamplesRow[] = [];
  try {
    for (const example of examples) {
      context.say(`training ${example}`);
      rows.push(await trainExample({ example, folder, workers }, context));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { rows, ...gradients, notes };
};

interface GradientFigures {
  readonly figures: ExamplesFigures;
  readonly ratios: ExamplesRatios;
  readonly failures: readonly string[];
}

async function measureGradients(turns: number, notes: string[], context: BenchContext): Promise<GradientFigures> {
  const bench = await openGradients(notes, context);
  const { captured, inTraining, tfjsCpu, pytorch, pytorchChannelsLast } = bench;
  try {
    const samples = await takeTurns(
      {
        captured: () => captured.milliseconds(),
        inTraining: () => inTraining.milliseconds(),
        tfjsCpu: () => tfjsCpu.milliseconds(),
        pytorch: () => pytorch?.milliseconds() ?? NaN,
        pytorchChannelsLast: () => pytorchChannelsLast?.milliseconds() ?? NaN,
      },
      turns,
      context.signal,
    );
    const times = (name: keyof typeof samples): number => round(median(samples[name]));
    const faster = (name: keyof typeof samples): number => round(medianRatio(samples[name], samples.captured));
    const deviations = {
      inTrainingDeviation: bench.deviation(inTraining.answer),
      tfjsCpuDeviation: bench.deviation(tfjsCpu.answer),
      ...(pytorch !== undefined && { pytorchDeviation: bench.deviation(pytorch.answer) }),
    };
    return {
      figures: {
        ...{ capturedMs: times('captured'), inTrainingMs: times('inTraining'), tfjsCpuMs: times('tfjsCpu') },
        ...deviations,
        ...(pytorch !== undefined && { pytorchMs: times('pytorch') }),
        ...(pytorchChannelsLast !== undefined && { pytorchChannelsLastMs: times('pytorchChannelsLast') }),
      },
      ratios: {
        inTraining: faster('inTraining'),
        tfjsCpu: faster('tfjsCpu'),
        ...(pytorch !== undefined && { pytorchEager: faster('pytorch') }),
        ...(pytorchChannelsLast !== undefined && { pytorchChannelsLast: faster('pytorchChannelsLast') }),
      },
      failures: Object.entries(deviations)
        .filter(([, deviation]) => !(deviation < LARGEST_DEVIATION))
        .map(([name, deviation]) => `${name} is ${deviation}, expected less than ${LARGEST_DEVIATION}`),
    };
  } finally {
    await bench.close();
  }
}
