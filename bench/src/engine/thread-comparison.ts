/** The plain vision transformer on everything that can train it on one thread here. */
import { median, medianRatio, round } from '../figures.js';
import { takeTurns } from '../process/turns.js';
import { keyOf, type EngineRecord } from './engine-record.js';
import { checkSetup, type EngineScope } from './engine-scope.js';
import type { EnginePeers, PassAnswer, TfjsBackend } from './engine-peers.js';
import { captureVit, flopsPerImage, inputValues } from './plain-vit.js';
import { openProgram, type Gemm, type OpenProgram } from './program-session.js';
import type { VitConfig } from './vit-config.js';

/** tfjs would take minutes for more. */
export const TFJS_BATCH = 2;
const TORCH_RUNS = 3;
const GEMM = 'gemm';

/** Somebody who trains: images per second of one turn. */
type Measure = () => Promise<number>;

/** Measures everybody; resolves to our best micro-batch. */
export async function compareThreads(
  config: VitConfig,
  gemm: Gemm,
  peers: EnginePeers,
  scope: EngineScope,
): Promise<number> {
  const { plan, turns, record, context } = scope;
  const programs = new Map<string, OpenProgram>();
  try {
    for (const batch of plan.microBatches) {
      const program = await openProgram(() => captureVit(config, batch), batch, inputValues(config, batch));
      programs.set(`captured, micro-batch ${batch}`, program);
    }
    const ours = [...programs].map(([name, program]) => [name, () => program.imagesPerSecond()] as const);
    const torch = torchMeasures(config, plan.torchBatches, peers);
    const tfjs = tfjsMeasures(config, peers);
    const measures: Record<string, Measure> = {
      [GEMM]: () => gemm.gflops(),
      ...Object.fromEntries([...ours, ...torch, ...tfjs.measures]),
    };
    const samples = new Map(Object.entries(await takeTurns(measures, turns, context.signal)));
    const best = recordOurs(config, programs, samples, scope);
    const torchNames = torch.map(([name]) => name);
    recordPeers(config, best.rates, samples, record, { torchNames, backends: tfjs.measures.map(([name]) => name) });
    await compareLosses(config, tfjs.answers, record);
    return best.batch;
  } finally {
    for (const program of programs.values()) await program.close();
  }
}

function torchMeasures(
  config: VitConfig,
  batches: readonly number[],
  { torch }: EnginePeers,
): (readonly [string, Measure])[] {
  if (torch === undefined) return [];
  return batches.map((batch) => [
    `PyTorch eager, batch ${batch}`,
    async () => (batch * 1000) / median((await torch({ ...config, batch, runs: TORCH_RUNS })).milliseconds),
  ]);
}

type TfjsAnswers = Partial<Record<TfjsBackend, PassAnswer>>;

/** The last answer of each backend is kept: it holds what its loss and gradient are. */
function tfjsMeasures(
  config: VitConfig,
  { tfjs }: EnginePeers,
): { readonly answers: TfjsAnswers; readonly measures: (readonly [TfjsBackend, Measure])[] } {
  const answers: TfjsAnswers = {};
  const measures = (Object.keys(tfjs) as TfjsBackend[]).map((backend) => {
    const measure = async (): Promise<number> => {
      const isWarmUp = answers[backend] === undefined;
      const answer = await tfjs[backend]!({ config, batch: TFJS_BATCH, isWarmUp });
      answers[backend] = answer;
      return (TFJS_BATCH * 1000) / answer.milliseconds;
    };
    return [backend, measure] as const;
  });
  return { answers, measures };
}

type Samples = ReadonlyMap<string, readonly number[]>;

/** Our rows, and our best. */
function recordOurs(
  config: VitConfig,
  programs: ReadonlyMap<string, OpenProgram>,
  samples: Samples,
  scope: EngineScope,
): { readonly batch: number; readonly rates: readonly number[] } {
  const { plan, record } = scope;
  const formula = flopsPerImage(config);
  const gemmRates = samples.get(GEMM)!;
  const product = `matrix product ${plan.gemmSize}^3`;
  record.rows.push({ model: config.name, engine: product, gflops: round(median(gemmRates)) });
  const measured = [...programs].map(([name, program]) => ({ name, program, rates: samples.get(name)! }));
  for (const { name, program, rates } of measured) {
    const { batch, flopsPerImage: counted, nodes, setupMs } = program;
    record.addRow(config.name, name, rates, gemmRates, { formula, counted, nodes, setupMs });
    checkSetup(`${config.name}, micro-batch ${batch}`, setupMs, scope);
  }
  const { program, rates } = measured.reduce((a, b) => (median(b.rates) > median(a.rates) ? b : a));
  const ofGemm = medianRatio(rates, gemmRates) / 1e9;
  record.figures[keyOf(config, 'images per second')] = round(median(rates));
  record.figures[keyOf(config, 'best micro batch')] = program.batch;
  record.ratios[keyOf(config, 'gemm')] = round(ofGemm * formula);
  record.ratios[keyOf(config, 'gemm counted')] = round(ofGemm * program.flopsPerImage);
  return { batch: program.batch, rates };
}

/** The peers' rows, and how much faster our best is. */
function recordPeers(
  config: VitConfig,
  ours: readonly number[],
  samples: Samples,
  record: EngineRecord,
  names: { readonly torchNames: readonly string[]; readonly backends: readonly TfjsBackend[] },
): void {
  const formula = flopsPerImage(config);
  const gemmRates = samples.get(GEMM)!;
  const ratios = names.torchNames.map((name) => {
    const rates = samples.get(name)!;
    record.addRow(config.name, name, rates, gemmRates, { formula });
    return medianRatio(ours, rates);
  });
  if (ratios.length > 0) record.ratios[keyOf(config, 'pytorch eager')] = round(Math.min(...ratios));
  for (const backend of names.backends) {
    const rates = samples.get(backend)!;
    record.addRow(config.name, `${backend}, batch ${TFJS_BATCH}`, rates, gemmRates, { formula });
    record.ratios[keyOf(config, backend)] = round(medianRatio(ours, rates));
  }
}

/** Deviations from tfjs's CPU backend on the same inputs: of the loss, and of the norm of the whole gradient. */
async function compareLosses(
  config: VitConfig,
  { 'tfjs-cpu': reference, 'tfjs-wasm': wasm }: TfjsAnswers,
  { figures }: EngineRecord,
): Promise<void> {
  if (reference === undefined) return;
  const values = inputValues(config, TFJS_BATCH);
  const program = await openProgram(() => captureVit(config, TFJS_BATCH), TFJS_BATCH, values);
  const { loss, ...gradients } = program.outputs;
  let squares = 0;
  for (const gradient of Object.values(gradients)) for (const value of gradient) squares += value * value;
  const captured = { loss: loss![0]!, gradientNorm: Math.sqrt(squares) };
  for (const [name, answer] of Object.entries({ captured, ...(wasm !== undefined && { 'tfjs-wasm': wasm }) })) {
    for (const what of ['loss', 'gradientNorm'] as const) {
      const deviation = Math.abs(answer[what] - reference[what]) / Math.abs(reference[what]);
      figures[keyOf(config, `${name} ${what} deviation`)] = round(deviation);
    }
  }
  await program.close();
}
