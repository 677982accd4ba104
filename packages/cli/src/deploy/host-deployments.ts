/**
 * What runs Facet on hosts without containers: a configuration for the units of deploy/systemd, and the command that submits the
 * job of deploy/slurm. Both files stay as they are; what differs between runs is printed.
 */
import path from 'node:path';
import { mergeMappings } from '@facet/shared';
import { stringify } from 'yaml';
import { deployFolder } from './deploy-files.js';
import type { Deployment, DeployOrder } from './deployment.js';
import { leavesOf, without, withoutIn } from './said-config.js';

/** The file /etc/facet/coordinator.yaml of deploy/systemd. */
export function systemdDeployment({ config, said, hasName }: DeployOrder): Deployment {
  const run = hasName ? config.run : 'facet';
  const units = path.join(deployFolder(), 'systemd');
  const about = [
    `# /etc/facet/coordinator.yaml, for the units in ${units} (docs/deploy/systemd.md):`,
    `# systemctl enable --now facet-broker facet-coordinator facet-worker@{0..${config.workers.count - 1}}`,
  ];
  const file = mergeMappings({ run, dataset: config.dataset, workers: { count: config.workers.count } }, said);
  return { text: `${about.join('\n')}\n${stringify(file, { lineWidth: 0 })}`, notes: [] };
}

/** The command that submits deploy/slurm/facet.sbatch. The job has a broker and an address of its own. */
export function slurmDeployment({ config, said, hasName }: DeployOrder): Deployment {
  const own = withoutIn(without(said, ['run', 'nats', 'coordinator', 'tls']), 'workers', ['count']);
  const settings = leavesOf(mergeMappings({ dataset: config.dataset }, own)).map(
    ([key, value]) => `--set ${quoted(`${key}=${JSON.stringify(value)}`)}`,
  );
  const script = quoted(path.join(deployFolder(), 'slurm', 'facet.sbatch'));
  const name = hasName ? `RUN=${quoted(config.run)} ` : '';
  const notes = ['nats', 'coordinator', 'tls']
    .filter((key) => key in said)
    .map((key) => `${key}: left out, the job decides it`);
  return { text: `${name}sbatch --ntasks=${config.workers.count} ${script} ${settings.join(' ')}\n`, notes };
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./=:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
