import { expect, test } from 'vitest';
import { findGpuEvidence, type MachineFiles } from './gpu-evidence.js';

/** A machine with these files and no others. */
function machine(platform: NodeJS.Platform, files: readonly string[]): MachineFiles {
  return {
    platform,
    list: (folder) =>
      files
        .filter((file) => file.slice(0, file.lastIndexOf('/')) === folder)
        .map((file) => file.slice(file.lastIndexOf('/') + 1)),
    exists: (file) => files.includes(file),
  };
}

test.each<[string, NodeJS.Platform, readonly string[], ReturnType<typeof findGpuEvidence>]>([
  ['Linux without a GPU', 'linux', ['/dev/null'], { cuda: undefined, webgpu: undefined }],
  [
    'Linux with a software Vulkan driver only',
    'linux',
    ['/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'],
    { cuda: undefined, webgpu: undefined },
  ],
  ['Linux with a display and no render node', 'linux', ['/dev/dri/card0'], { cuda: undefined, webgpu: undefined }],
  [
    'Linux with a GPU of another make',
    'linux',
    ['/dev/dri/card0', '/dev/dri/renderD128'],
    { cuda: undefined, webgpu: '/dev/dri/renderD128' },
  ],
  [
    'a container with an NVIDIA GPU',
    'linux',
    ['/dev/nvidia-uvm', '/dev/nvidia1'],
    { cuda: '/dev/nvidia1', webgpu: '/dev/nvidia1' },
  ],
  ['macOS', 'darwin', [], { cuda: undefined, webgpu: 'macOS' }],
  ['Windows', 'win32', [], { cuda: undefined, webgpu: 'Windows' }],
  [
    'Windows with an NVIDIA driver',
    'win32',
    ['C:\\Windows\\System32\\nvcuda.dll'],
    { cuda: 'C:\\Windows\\System32\\nvcuda.dll', webgpu: 'Windows' },
  ],
  ['another system', 'freebsd', [], { cuda: undefined, webgpu: undefined }],
])('sees what there is on %s', (_, platform, files, evidence) => {
  expect(findGpuEvidence(machine(platform, files))).toEqual(evidence);
});

test('reads this machine without an error', () => {
  expect(Object.keys(findGpuEvidence())).toEqual(['cuda', 'webgpu']);
});
