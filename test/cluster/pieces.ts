/**
 * The programs that a cluster is made of. A test whose piece is missing is skipped, and says what to install.
 */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { whyNoHosts } from '../testkit/hosts.js';

/** What Debian calls the package of a program. */
const PACKAGES = {
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  slurmctld: 'slurmctld',
  slurmd: 'slurmd',
  sbatch: 'slurm-client',
  munged: 'munge',
  podman: 'podman',
  runc: 'runc',
  debootstrap: 'debootstrap',
  'systemd-analyze': 'systemd',
} as const;

export type Piece = keyof typeof PACKAGES;

/** The file of a program; undefined where there is none. Daemons lie where a user's PATH does not look. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

/** Why a test cannot run here; undefined when all programs are there, and hosts can be made if it needs some. */
export async function whyNotHere(
  pieces: readonly Piece[],
  { needsHosts }: { readonly needsHosts: boolean },
): Promise<string | undefined> {
  const missing = pieces.filter((piece) => findProgram(piece) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((piece) => PACKAGES[piece]))].join(' ');
    return `${missing.join(', ')} missing; on Debian: apt-get install -y --no-install-recommends ${packages}`;
  }
  return needsHosts ? whyNoHosts() : undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
