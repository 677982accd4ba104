/**
 * Programs on the engine without its thread: what the engine itself can do, to which everything else is compared.
 */
import { createProgramBuilder } from '../../packages/worker/dist/compiler/program/program-builder.js';
import { programCost } from '../../packages/worker/dist/compiler/program/program-cost.js';
import { elementCount } from '../../packages/worker/dist/compiler/program/program.js';
import { createOrtSession } from '../../packages/worker/dist/engine/onnxruntime/ort-session.js';
import { median } from './figures.mjs';

/** One thread, so that figures mean the same on every machine. */
const CPU = { device: 'cpu', threads: 1 };

export const randomValues = (length) => Float32Array.from({ length }, () => (Math.random() - 0.5) / 8);

/** Milliseconds of one run, the median of a few. */
export async function timed(run, runs) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** A 1024^3 product on the same engine: what the machine gives right now. */
export async function openGemm() {
  const size = 1024;
  const builder = createProgramBuilder('gemm');
  const square = { shape: [size, size], dtype: 'float32' };
  const [a, b] = [builder.input('a', square), builder.input('b', square)];
  const c = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [a, b], square);
  const session = await createOrtSession(builder.build([{ name: 'c', id: c }]), CPU);
  const binding = session.bind(
    { a: randomValues(size * size), b: randomValues(size * size) },
    { c: new Float32Array(size * size) },
  );
  return {
    gflops: async () => (2 * size ** 3) / (await timed(() => binding.run(), 5)) / 1e6,
    close: () => session.close(),
  };
}

/**
 * Captures a program, compiles it, opens a session and binds it to buffers with some values, else with random ones.
 *
 * @param capture resolves to the compiled program
 * @param batch images of one run
 */
export async function openProgram(capture, batch, values = {}) {
  const startedAt = performance.now();
  const program = await capture();
  const session = await createOrtSession(program, CPU);
  const setupMs = performance.now() - startedAt;
  const buffers = (named) =>
    Object.fromEntries(
      named.map(({ name, id }) => [name, values[name] ?? randomValues(elementCount(program.values[id].shape))]),
    );
  const outputs = buffers(program.outputs);
  const binding = session.bind(buffers(program.inputs), outputs);
  const run = () => binding.run();
  await run();
  return {
    batch,
    outputs,
    setupMs,
    nodes: program.nodes.length,
    /** Of the matrix products that the program holds, for one image. */
    flopsPerImage: programCost(program).matMulFlops / batch,
    run,
    imagesPerSecond: async () => (batch * 1000) / (await timed(run, Math.max(3, Math.round(64 / batch)))),
    close: () => session.close(),
  };
}
