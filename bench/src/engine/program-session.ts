/**
 * Programs on the engine without its thread: what the engine itself can do, to which everything else is compared.
 */
import { createProgramBuilder, elementCount, programCost, type NamedValue, type Program } from '@facet/compiler';
import { createOrtSession } from '@facet/engine';
import { median } from '../figures.js';
import { randomValues } from '../random-values.js';

/** One thread, so that figures mean the same on every machine. */
const CPU = { device: 'cpu', threads: 1 } as const;
const GEMM_RUNS = 5;
/** A measurement takes about so many images, and at least so many runs. */
const IMAGES = 64;
const LEAST_RUNS = 3;

/** Milliseconds of one run, the median of a few. */
async function timed(run: () => Promise<void>, runs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

export interface Gemm {
  gflops(): Promise<number>;
  close(): Promise<void>;
}

/** A square product on the same engine: what the machine gives right now. */
export async function openGemm(size: number): Promise<Gemm> {
  const builder = createProgramBuilder('gemm');
  const square = { shape: [size, size], dtype: 'float32' } as const;
  const [a, b] = [builder.input('a', square), builder.input('b', square)];
  const c = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [a, b], square);
  const session = await createOrtSession(builder.build([{ name: 'c', id: c }]), CPU);
  const values = (): Float32Array => randomValues(size * size);
  const binding = session.bind({ a: values(), b: values() }, { c: new Float32Array(size * size) });
  return {
    gflops: async () => (2 * size ** 3) / (await timed(() => binding.run(), GEMM_RUNS)) / 1e6,
    close: () => session.close(),
  };
}

export interface OpenProgram {
  /** Images of one run. */
  readonly batch: number;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** Capture, passes and session. */
  readonly setupMs: number;
  readonly nodes: number;
  /** Of the matrix products that the program holds, for one image. */
  readonly flopsPerImage: number;
  run(): Promise<void>;
  imagesPerSecond(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Captures a program, compiles it, opens a session and binds it to buffers with some values, else with random ones.
 *
 * @param capture resolves to the compiled program
 * @param batch images of one run
 */
export async function openProgram(
  capture: () => Promise<Program>,
  batch: number,
  values: Readonly<Record<string, Float32Array>> = {},
): Promise<OpenProgram> {
  const startedAt = performance.now();
  const program = await capture();
  const session = await createOrtSession(program, CPU);
  const setupMs = performance.now() - startedAt;
  const buffers = (named: readonly NamedValue[]): Record<string, Float32Array> =>
    Object.fromEntries(
      named.map(({ name, id }) => [name, values[name] ?? randomValues(elementCount(program.values[id]!.shape))]),
    );
  const outputs = buffers(program.outputs);
  const binding = session.bind(buffers(program.inputs), outputs);
  const run = (): Promise<void> => binding.run();
  await run();
  return {
    batch,
    outputs,
    setupMs,
    nodes: program.nodes.length,
    flopsPerImage: programCost(program).matMulFlops / batch,
    run,
    imagesPerSecond: async () => (batch * 1000) / (await timed(run, Math.max(LEAST_RUNS, Math.round(IMAGES / batch)))),
    close: () => session.close(),
  };
}
