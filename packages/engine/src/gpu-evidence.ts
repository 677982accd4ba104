/**
 * Looks for signs of a GPU before anything is loaded: device nodes and driver files. It only lists two folders, so a machine
 * without a GPU does not start more slowly. It does not say whether the GPU works.
 */
import { existsSync, readdirSync } from 'node:fs';
import type { Device } from './engine-id.js';

/** For each kind of GPU the file or system that shows one; undefined if there is none. */
export type GpuEvidence = Readonly<Record<Exclude<Device, 'cpu'>, string | undefined>>;

export interface MachineFiles {
  readonly platform: NodeJS.Platform;
  /** The names in a folder; none when there is no such folder. */
  readonly list: (folder: string) => readonly string[];
  readonly exists: (file: string) => boolean;
}

const NVIDIA_NODE = /^nvidia(\d+|ctl)$/;
const RENDER_NODE = /^renderD\d+$/;
const WINDOWS_CUDA_DRIVER = 'C:\\Windows\\System32\\nvcuda.dll';

/**
 * Looks for GPUs. On Linux only device nodes count: a Vulkan driver that computes on the CPU needs none, and must never look
 * like a GPU. macOS and Windows always have a graphics device that WebGPU can use.
 */
export function findGpuEvidence({ platform, list, exists }: MachineFiles = THIS_MACHINE): GpuEvidence {
  switch (platform) {
    case 'linux': {
      const nvidia = nodeIn('/dev', list, NVIDIA_NODE);
      return { cuda: nvidia, webgpu: nodeIn('/dev/dri', list, RENDER_NODE) ?? nvidia };
    }
    case 'darwin':
      return { cuda: undefined, webgpu: 'macOS' };
    case 'win32':
      return { cuda: exists(WINDOWS_CUDA_DRIVER) ? WINDOWS_CUDA_DRIVER : undefined, webgpu: 'Windows' };
    default:
      return { cuda: undefined, webgpu: undefined };
  }
}

function nodeIn(folder: string, list: MachineFiles['list'], pattern: RegExp): string | undefined {
  const name = list(folder).find((entry) => pattern.test(entry));
  return name === undefined ? undefined : `${folder}/${name}`;
}

const THIS_MACHINE: MachineFiles = {
  platform: process.platform,
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  exists: existsSync,
};
