/**
 * Finds a Vulkan driver that WebGPU runs on: the one that the environment names, the one of a GPU, or the software driver
 * that Debian's chromium brings along. Every candidate is tried by a process of its own with a real session, because a process
 * cannot change its driver once it has looked for one.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { createProgramBuilder, writeOnnx } from '@facet/compiler';

export interface VulkanDriver {
  /** The file to name in VK_ICD_FILENAMES; undefined when the environment is right as it is, or nothing works. */
  readonly icdFile: string | undefined;
  /** Why WebGPU does not work here, and what to do; undefined when it works. */
  readonly reason: string | undefined;
}

const CHROMIUM_ICD = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** A driver that takes longer to come up does not serve a test. */
const PROBE_TIMEOUT_MS = 30_000;

const PROBE = `
  import { InferenceSession } from 'onnxruntime-node';
  const session = await InferenceSession.create(Buffer.from(process.argv[1], 'base64'), {
    executionProviders: ['webgpu'],
    logSeverityLevel: 4,
  });
  await session.release();
`;

/** Looks for a driver that works. */
export async function findVulkanDriver(): Promise<VulkanDriver> {
  if (await works(undefined)) return { icdFile: undefined, reason: undefined };
  const named = process.env['VK_ICD_FILENAMES'];
  if (named !== undefined) {
    return unavailable(`no WebGPU adapter with VK_ICD_FILENAMES=${named}; unset it or name the driver of a GPU`);
  }
  if (!existsSync(CHROMIUM_ICD)) {
    return unavailable('no GPU with a Vulkan driver; install chromium, which brings a software driver along');
  }
  if (await works(CHROMIUM_ICD)) return { icdFile: CHROMIUM_ICD, reason: undefined };
  return unavailable(
    `no GPU with a Vulkan driver, and ${CHROMIUM_ICD} does not work; set VK_ICD_FILENAMES to one that does`,
  );
}

function unavailable(reason: string): VulkanDriver {
  return { icdFile: undefined, reason };
}

async function works(icdFile: string | undefined): Promise<boolean> {
  const env = icdFile === undefined ? process.env : { ...process.env, VK_ICD_FILENAMES: icdFile };
  const model = Buffer.from(writeOnnx(smallProgram())).toString('base64');
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROBE, model], {
      cwd: import.meta.dirname,
      env,
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return true;
  } catch {
    // What it says is onnxruntime's; which driver to use instead is what counts, and the caller knows it.
    return false;
  }
}

function smallProgram() {
  const builder = createProgramBuilder('probe');
  const type = { shape: [2], dtype: 'float32' } as const;
  const y = builder.node({ kind: 'exp' }, [builder.input('x', type)], type);
  return builder.build([{ name: 'y', id: y }]);
}
