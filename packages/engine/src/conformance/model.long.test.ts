/** The steps of training on the engines that take minutes for them; the others are in model.test.ts. */
import { expect, it } from 'vitest';
import { DEFAULT_ENGINE, expectSameLosses, openModel, openOrSkip, STEPS, trainModel } from '../../test/whole-model.js';
import { formatEngine, type EngineId } from '../engine-id.js';
import { findVulkanDriver } from './vulkan-driver.js';

const SLOW: readonly EngineId[] = [
  { name: 'onnxruntime', device: 'webgpu' },
  { name: 'tfjs-cpu', device: 'cpu' },
];

it.for(SLOW.map((engine) => ({ engine, name: formatEngine(engine) })))(
  `$name follows the losses of the default engine for ${STEPS} steps`,
  { timeout: 900_000 },
  async ({ engine }, context) => {
    const vulkan = await findVulkanDriver();
    if (vulkan.icdFile !== undefined) process.env['VK_ICD_FILENAMES'] = vulkan.icdFile;
    await using slow = await openOrSkip(context, engine, vulkan);
    await using expected = await openModel(DEFAULT_ENGINE);
    const losses = await trainModel(slow.compute);
    expect(losses).toHaveLength(STEPS);
    expectSameLosses(losses, await trainModel(expected.compute));
  },
);
