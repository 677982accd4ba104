/** Every operation and its gradient on WebGPU. Under a software driver it takes minutes to make its kernels. */
import { describe, it } from 'vitest';
import { capturedCases, expectReference } from '../../test/captured-cases.js';
import { conformanceEngines } from './conformance-engine.js';

const engines = (await conformanceEngines()).filter(({ name }) => name === 'onnxruntime/webgpu');
const cases = await capturedCases();

describe.each(engines)('$name', { timeout: 120_000 }, (engine) => {
  if (engine.unavailable !== undefined) {
    it('computes every operation and its gradient', (context) => context.skip(engine.unavailable));
    return;
  }
  it.for(cases)('computes $name and its gradient as the reference does', (opCase, context) =>
    expectReference(engine, opCase, context),
  );
});
