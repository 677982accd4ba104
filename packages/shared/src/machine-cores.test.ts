import { expect, it } from 'vitest';
import { usableCores } from './machine-cores.js';

const V2 = { '/proc/self/cgroup': '0::/kubepods/pod1/facet\n' };
const V1 = { '/proc/self/cgroup': '5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n' };

it.each<[string, Readonly<Record<string, string>>, number]>([
  ['no cgroups', {}, 16],
  ['a cgroup without a quota', { ...V2, '/sys/fs/cgroup/kubepods/pod1/facet/cpu.max': 'max 100000\n' }, 16],
  ['its cgroup', { ...V2, '/sys/fs/cgroup/kubepods/pod1/facet/cpu.max': '250000 100000\n' }, 2],
  ['less than one core', { ...V2, '/sys/fs/cgroup/kubepods/pod1/facet/cpu.max': '50000 100000\n' }, 1],
  [
    'the least of the cgroups above it',
    {
      ...V2,
      '/sys/fs/cgroup/kubepods/pod1/facet/cpu.max': '800000 100000',
      '/sys/fs/cgroup/kubepods/pod1/cpu.max': '300000 100000',
      '/sys/fs/cgroup/kubepods/cpu.max': 'max 100000',
    },
    3,
  ],
  ["a container's root, where the path is the host's", { ...V2, '/sys/fs/cgroup/cpu.max': '400000 100000' }, 4],
  [
    'version 1',
    {
      ...V1,
      '/sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us': '200000\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us': '100000\n',
    },
    2,
  ],
  [
    'version 1 in a container',
    { ...V1, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '600000', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' },
    6,
  ],
  ['more than the machine has', { ...V2, '/sys/fs/cgroup/cpu.max': '6400000 100000' }, 16],
])('of 16 cores the process takes what is given by %s', (_what, files, cores) => {
  expect(usableCores(16, (file) => files[file])).toBe(cores);
});
