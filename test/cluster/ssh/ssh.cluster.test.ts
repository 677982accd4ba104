/**
 * `facet up --hosts` over real sshd, on hosts that are network namespaces: host 1 launches, hosts 2 and 3 have workers.
 */
import { chmodSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  processesWith,
  until,
  type RunningCommand,
  type TrainingSummary,
  type Workspace,
} from '../../testkit/facet.js';
import { openHosts, type Hosts } from '../../testkit/hosts.js';
import { whyNotHere } from '../pieces.js';
import { startSshd, type SshUser } from './ssh-hosts.js';

const FACET = fileURLToPath(new URL('../../../packages/cli/bin/facet.mjs', import.meta.url));
const whyNot = await whyNotHere(['ssh', 'sshd'], { needsHosts: true });
/** On a busy machine. */
const START_MS = 300_000;
const TEST_MS = 600_000;
const CLEAN = { expected: 3_000, committed: 3_000, missing: 0, duplicated: 0 };
const SETTINGS = [
  'samples.train=1500',
  'samples.test=100',
  'checkpoint.everySteps=20',
  'batch.global=32',
  'batch.micro=16',
  'engine.threads=1',
  'timeouts.heartbeatMs=4000',
].flatMap((setting) => ['--set', setting]);
const TRAINING = [...MNIST_ON_CPU, '--epochs', '2', ...SETTINGS];

describe('a launch with --hosts', { timeout: TEST_MS }, () => {
  let hosts: Hosts | undefined;
  let workspace: Workspace;
  let user: SshUser;
  let here: TrainingSummary;

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    chmodSync(FACET, 0o755);
    workspace = await openWorkspace();
    here = parseJson(await workspace.run(['up', ...TRAINING, '--workers', '2', '--run', 'here', '--json']));
    hosts = await openHosts(3);
    user = await startSshd(hosts, [2, 3], path.join(workspace.folder, 'ssh'));
    await hostsFile('both.txt', ['h2', 'h3  # the other one']);
  }, TEST_MS);

  afterAll(async () => {
    await hosts?.[Symbol.asyncDispose]();
    if (whyNot === undefined) await workspace[Symbol.asyncDispose]();
  });

  beforeEach((context) => {
    if (whyNot !== undefined) context.skip(whyNot);
  });

  const fileAt = (name: string): string => path.join(workspace.folder, name);
  const hostsFile = (name: string, lines: readonly string[]): Promise<void> =>
    writeFile(fileAt(name), lines.join('\n'));

  const facet = (args: readonly string[], variables: NodeJS.ProcessEnv = {}): RunningCommand => {
    const environment = { ...user.environment, FACET_RUNS: workspace.runs, NO_COLOR: '1', ...variables };
    return hosts!.start(1, process.execPath, [FACET, ...args], environment);
  };

  const launch = (run: string, file: string, ...more: string[]): RunningCommand =>
    facet(['up', '--hosts', fileAt(file), '--remote-facet', FACET, '--run', run, ...TRAINING, '--json', ...more]);

  /** Waits for steps of a run; fails at once, with what the command said, when it has ended. */
  const hasSteps = async (run: string, count: number, { child, done }: RunningCommand): Promise<void> => {
    const enough = async (): Promise<boolean> => (await committedSteps(path.join(workspace.runs, run))) >= count;
    await until(`${run} has ${count} steps`, async () => child.exitCode !== null || (await enough()), START_MS);
    if (!(await enough())) throw new Error((await done).stderr);
  };

  /** Nothing of Facet is left on a host; sshd is. */
  const isEmpty = async (host: number): Promise<boolean> => (await hosts!.processes(host, 'facet.mjs')).length === 0;

  const expectNothingLeft = async (withinMs = 20_000): Promise<void> => {
    for (const host of [2, 3]) await until(`host ${host} has no process of Facet`, () => isEmpty(host), withinMs);
  };

  it('ends with the weights of one machine, encrypted, and leaves nothing on the hosts', async () => {
    const command = launch('apart', 'both.txt');
    await hasSteps('apart', 3, command);
    // Secrets come over the connection: no token, key or certificate is in a command line of any process.
    const commands = (await processesWith('')).map(({ command }) => command);
    const token = (await readFile(path.join(workspace.runs, 'apart', 'run.token'), 'utf8')).trim();
    expect(commands.filter((command) => command.includes(token) || command.includes('BEGIN '))).toEqual([]);
    for (const host of [2, 3]) {
      const workers = await hosts!.processes(host, 'facet.mjs worker ');
      expect(workers.map(({ command: words }) => words)).toEqual([
        expect.stringMatching(/ --tls \S+facet-host-\w+\/tls /),
      ]);
    }
    const result = await command.done;
    expect({ code: result.code, stderr: result.code === 0 ? '' : result.stderr }).toEqual({ code: 0, stderr: '' });
    expect(parseJson(result)).toMatchObject({
      weightsSha256: here.weightsSha256,
      workers: 2,
      faults: 0,
      ledger: CLEAN,
    });
    // Each worker's log is here, and says that it reached the worker of the other host.
    for (const host of ['h2', 'h3']) {
      const log = await readFile(path.join(workspace.runs, 'apart', 'logs', `${host}-worker-0.log`), 'utf8');
      expect(log).toContain('"ways":{"tcp":1}');
    }
    await expectNothingLeft();
  });

  it('connects again when an ssh client is killed, whose workers die with it', async () => {
    const command = launch('killed', 'both.txt');
    await hasSteps('killed', 8, command);
    const before = await hosts!.processes(3, 'facet.mjs worker ');
    expect(before).toHaveLength(1);
    const [client] = (await hosts!.processes(1, 'host-workers')).filter(({ command }) => / h3 /.test(command));
    process.kill(client!.pid, 'SIGKILL');
    const old = before[0]!.pid;
    await until(
      'the worker behind it is gone',
      async () => !(await hosts!.processes(3, 'facet.mjs worker ')).some(({ pid }) => pid === old),
      20_000,
    );
    const result = await command.done;
    expect(result.stderr).toMatch(/h3: lost: the connection ended \(SIGKILL\); training goes on with 1 worker/);
    expect(parseJson(result)).toMatchObject({ weightsSha256: here.weightsSha256, restarts: 1, ledger: CLEAN });
    await expectNothingLeft();
  });

  it('goes on without a host that is cut off, whose workers end by themselves', async () => {
    const command = launch('cut', 'both.txt', '--max-restarts', '0');
    await hasSteps('cut', 8, command);
    await hosts!.setCable(3, false);
    try {
      expect(parseJson(await command.done)).toMatchObject({ weightsSha256: here.weightsSha256, ledger: CLEAN });
      // Longer than a host waits for a launch that it hears nothing of.
      await expectNothingLeft(60_000);
    } finally {
      await hosts!.setCable(3, true);
    }
  });

  it('names a host that cannot be reached in the words of ssh, and goes on with the others', async () => {
    await hostsFile('three.txt', ['h2 slots=2', '10.77.0.99']);
    const result = await launch('missing', 'three.txt', '--epochs', '1').done;
    expect(result.stderr).toMatch(/cannot be reached: 10\.77\.0\.99: ssh: connect to host 10\.77\.0\.99 port 22: /);
    expect(parseJson(result)).toMatchObject({ workers: 2, ledger: { missing: 0, duplicated: 0 } });
    const refused = await launch('too-few', 'three.txt', '--set', 'workers.min=3').done;
    expect({ code: refused.code }).toEqual({ code: 2 });
    expect(refused.stderr).toMatch(/10\.77\.0\.99: ssh: .*\n.*the others have 2 workers, .* workers\.min, which is 3/);
    await expectNothingLeft();
  });

  it('refuses a host with another Facet, by name', async () => {
    const args = ['up', '--hosts', fileAt('both.txt'), '--remote-facet', FACET, ...TRAINING, '--run', 'foreign'];
    const { code, stderr } = await facet(args, { FACET_CODE_VERSION: '9.9.9+other' }).done;
    expect({ code }).toEqual({ code: 2 });
    expect(stderr).toMatch(/VERSION_MISMATCH.*h2 has Facet .*, this machine has 9\.9\.9\+other/);
    expect(stderr).toMatch(/h3 has Facet/);
  });

  it('says where it looked when a host has no facet', async () => {
    const { code, stderr } = await facet([
      ...['up', '--hosts', fileAt('both.txt'), '--remote-facet', '/nowhere/facet', ...TRAINING, '--run', 'none'],
    ]).done;
    expect({ code }).toEqual({ code: 2 });
    expect(stderr).toMatch(/h2: .*\/nowhere\/facet.*not found.*--remote-facet PATH/);
  });

  it('leaves nothing on the hosts when it is stopped, and when it is killed', async () => {
    const stopped = launch('stopped', 'both.txt', '--epochs', '40');
    await hasSteps('stopped', 5, stopped);
    stopped.child.kill('SIGINT');
    expect((await stopped.done).code).toBe(130);
    await expectNothingLeft();
    const goesOn = facet([...['resume', 'stopped', '--hosts', fileAt('both.txt'), '--remote-facet', FACET, '--json']]);
    const before = await committedSteps(path.join(workspace.runs, 'stopped'));
    await hasSteps('stopped', before + 5, goesOn);
    goesOn.child.kill('SIGKILL');
    await goesOn.done;
    await expectNothingLeft();
  });
});
