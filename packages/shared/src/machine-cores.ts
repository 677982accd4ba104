/**
 * How many cores this process may use: those that the system schedules it on, and no more than its cgroup has time for.
 * Before version 22, Node counts the cores of the machine, however few of them a container is given.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** The content of a file; undefined when there is none. */
export type ReadText = (file: string) => string | undefined;

/** Cores for this process, at least 1. */
export function usableCores(scheduled = availableParallelism(), readText: ReadText = readSystemFile): number {
  return Math.max(1, Math.min(scheduled, Math.floor(cpuQuota(readText) ?? Infinity)));
}

/** Threads that were asked for; 0 takes all cores of this process. */
export function threadsOrCores(threads: number): number {
  return threads > 0 ? threads : usableCores();
}

/** The least quota of the process's cgroup and those above it, in cores; undefined where there is none. */
function cpuQuota(readText: ReadText): number | undefined {
  // Lines such as `0::/user.slice` (cgroup v2) or `4:cpu,cpuacct:/docker/1f2e` (v1).
  const groups = (readText('/proc/self/cgroup') ?? '').split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const quotas = groups.flatMap((group) => {
    const [, controllers = '', below = '/'] = group ?? [];
    if (group === null) return [];
    if (controllers === '') return foldersUp(ROOT, below).map((folder) => quotaOfV2(readText(`${folder}/cpu.max`)));
    if (!controllers.split(',').includes('cpu')) return [];
    return [controllers, 'cpu'].flatMap((mount) =>
      foldersUp(path.join(ROOT, mount), below).map((folder) =>
        quotaOfV1(readText(`${folder}/cpu.cfs_quota_us`), readText(`${folder}/cpu.cfs_period_us`)),
      ),
    );
  });
  const found = quotas.filter((quota) => quota !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** A folder below another one and all between them. In a container the path may be the host's: only the root is there. */
function foldersUp(root: string, below: string): string[] {
  const parts = below.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, cut) => path.join(root, ...parts.slice(0, parts.length - cut)));
}

/** `200000 100000`: microseconds in each period; `max 100000` is no quota. */
function quotaOfV2(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/);
  return ratio(quota, period);
}

/** -1 is no quota. */
function quotaOfV1(quota: string | undefined, period: string | undefined): number | undefined {
  return ratio(quota?.trim(), period?.trim());
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function readSystemFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
