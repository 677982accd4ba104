/**
 * Groups of ranks that reduce among themselves before they talk to others, most usefully the ranks of one host. Then one sum
 * per group, or a few, crosses the network instead of one per rank. A group is a range of ranks, and so of micro-batches. Its
 * sums are sub-trees of the reduction tree, so the bits do not depend on the groups (ADR 11).
 */

/**
 * How many ranks form a group; the world size when there is nothing to gain, or nothing that would be even.
 *
 * @param hosts where each rank runs, in rank order
 * @param wish ranks per group; 0 makes a group of the ranks of each host
 */
export function groupSizeOf(hosts: readonly string[], wish: number): number {
  const worldSize = hosts.length;
  const size = wish > 0 ? wish : lengthOfRun(hosts);
  if (size === 1 || worldSize % size !== 0 || (wish === 0 && !areRuns(hosts, size))) return worldSize;
  return size;
}

/** How many ranks at the start share a host. */
function lengthOfRun(hosts: readonly string[]): number {
  const end = hosts.findIndex((host) => host !== hosts[0]);
  return end < 0 ? Math.max(1, hosts.length) : end;
}

/** Whether each run of `size` ranks shares a host that no other rank is on. */
function areRuns(hosts: readonly string[], size: number): boolean {
  const isUniform = hosts.every((host, rank) => host === hosts[rank - (rank % size)]);
  return isUniform && new Set(hosts).size === hosts.length / size;
}
