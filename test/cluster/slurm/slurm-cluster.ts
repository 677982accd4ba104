/**
 * A real Slurm on hosts of the test kit: slurmctld on host 1, slurmd on all of them, with a munge, a configuration and a spool of
 * its own, so that nothing of a Slurm of this machine is touched.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { until, type CommandResult } from '../../testkit/facet.js';
import { hostName, type Hosts } from '../../testkit/hosts.js';
import { findProgram } from '../pieces.js';

const START_MS = 60_000;
const POLL_MS = 250;

export interface SlurmCluster {
  /** Runs a command of Slurm on host 1. */
  run(program: string, args: readonly string[], variables?: NodeJS.ProcessEnv): Promise<CommandResult>;
  /** Submits a job and returns its id. */
  submit(args: readonly string[], variables?: NodeJS.ProcessEnv): Promise<string>;
  /** As `squeue` says it: RUNNING, COMPLETED, ... */
  stateOf(job: string): Promise<string>;
  /** Waits for the end of a job and returns its state. A job that was requeued does not wait for its time. */
  ended(job: string, limitMs: number): Promise<string>;
  /** Starts slurmd on a host again. */
  startNode(host: number): void;
}

/** Starts the daemons, which end with the hosts. */
export async function startSlurm(hosts: Hosts, count: number, folder: string): Promise<SlurmCluster> {
  const at = (name: string): string => path.join(folder, name);
  const socket = at('munge.socket');
  await mkdir(at('state'), { recursive: true, mode: 0o755 });
  const conf = at('slurm.conf');
  await writeFile(conf, configuration({ folder, socket, count }));
  execFileSync('dd', ['if=/dev/urandom', `of=${at('munge.key')}`, 'bs=1024', 'count=1'], { stdio: 'ignore' });
  execFileSync('chmod', ['600', at('munge.key')]);
  const environment = { ...process.env, SLURM_CONF: conf };
  const munge = ['key-file', 'pid-file', 'log-file', 'seed-file'].map(
    (name) => `--${name}=${at(`munge.${name.slice(0, -5)}`)}`,
  );
  hosts.start(1, findProgram('munged')!, ['--foreground', '--force', `--socket=${socket}`, ...munge], environment);
  await until('munged answers', () => isSocket(socket), START_MS);
  hosts.start(1, findProgram('slurmctld')!, ['-D', '-c'], environment);
  const startNode = (host: number): void => {
    hosts.start(host, findProgram('slurmd')!, ['-D', '-N', hostName(host)], environment);
  };
  for (let host = 1; host <= count; host++) {
    await mkdir(at(`spool-${hostName(host)}`), { recursive: true });
    startNode(host);
  }
  const run: SlurmCluster['run'] = (program, args, variables = {}) =>
    hosts.start(1, findProgram(program) ?? program, args, { ...environment, ...variables }).done;
  const stateOf = async (job: string): Promise<string> => {
    const { stdout } = await run('scontrol', ['show', 'job', '--oneliner', job]);
    return /JobState=(\S+)/.exec(stdout)?.[1] ?? `UNKNOWN ${stdout}`;
  };
  let last = '';
  await until(
    'all nodes are idle',
    async () => {
      last = (await run('sinfo', ['-h', '-o', '%D %t'])).stdout.trim();
      await pause();
      return last === `${count} idle`;
    },
    START_MS,
  ).catch(async (caught: unknown) => {
    throw new Error(`Slurm does not start: ${last}; ${await readFile(at('slurmctld.log'), 'utf8').catch(() => '')}`, {
      cause: caught,
    });
  });
  return {
    run,
    stateOf,
    startNode,
    async submit(args, variables) {
      const { code, stdout, stderr } = await run('sbatch', ['--parsable', ...args], variables);
      if (code !== 0) throw new Error(`sbatch ended with ${code}: ${stderr}`);
      return stdout.trim();
    },
    async ended(job, limitMs) {
      let state = '';
      await until(
        `job ${job} has ended`,
        async () => {
          state = await stateOf(job);
          // Slurm holds a requeued job for two minutes.
          if (state === 'PENDING') await run('scontrol', ['update', `JobId=${job}`, 'StartTime=now']);
          await pause();
          return !['PENDING', 'RUNNING', 'COMPLETING', 'CONFIGURING', 'REQUEUED'].includes(state);
        },
        limitMs,
      );
      return state;
    },
  };
}

function configuration(of: { readonly folder: string; readonly socket: string; readonly count: number }): string {
  const { folder, socket, count } = of;
  const cores = availableParallelism();
  const megabytes = Math.floor(totalmem() / 1024 / 1024 / 2);
  const nodes = Array.from({ length: count }, (_, index) => hostName(index + 1)).join(',');
  return `ClusterName=facet
SlurmctldHost=${hostName(1)}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${socket}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=30
MinJobAge=300
SlurmdTimeout=10
JobRequeue=1
NodeName=${nodes} CPUs=${cores} Sockets=1 CoresPerSocket=${cores} ThreadsPerCore=1 RealMemory=${megabytes} State=UNKNOWN
PartitionName=main Nodes=${nodes} Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES:4
`;
}

function isSocket(file: string): boolean {
  try {
    execFileSync('test', ['-S', file]);
    return true;
  } catch {
    return false;
  }
}

/** Every question is a process. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
