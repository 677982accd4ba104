/** The units of deploy/systemd, started by a real systemd as docs/deploy/systemd.md says. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MNIST_ON_CPU, openWorkspace, parseJson, until } from '../../testkit/facet.js';
import { whyNotHere } from '../pieces.js';
import { bootMachine, type Machine } from './machine.js';

const whyNot = await whyNotHere(['podman', 'runc', 'debootstrap'], { needsHosts: true });
const TEST_MS = 600_000;
const RUNS = '/var/lib/facet/runs';
const EPOCHS = 6;

/** As the documentation has it, with a run of seconds. */
const configuration = (run: string): string => `run: ${run}
dataset: mnist
epochs: ${EPOCHS}
samples: { train: 1500, test: 100 }
batch: { global: 32, micro: 16 }
workers: { count: 2, min: 1 }
checkpoint: { everySteps: 1000 }
timeouts: { heartbeatMs: 8000 }
engine: { name: onnxruntime, device: cpu, threads: 1 }
nats: { url: 'nats://127.0.0.1:4222' }
coordinator: { host: 127.0.0.1, port: 4300, httpPort: 4301 }
`;

describe('the services', () => {
  let machine: Machine | undefined;
  let expected: string;

  const run = async (command: string): Promise<string> => {
    const { code, stdout, stderr } = await machine!.run(command);
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const write = (file: string, text: string): Promise<string> => run(`cat > ${file} <<'END'\n${text}\nEND`);
  const commits = async (name: string): Promise<number> =>
    Number((await machine!.run(`grep -c '"kind":"commit"' ${RUNS}/${name}/ledger.jsonl`)).stdout.trim());
  const facts = async (unit: string): Promise<string> =>
    (await run(`systemctl show -p ActiveState,Result,ExecMainStatus ${unit}`)).split('\n').sort().join(' ');
  const journal = async (): Promise<string> =>
    (await machine!.run("journalctl -o cat --no-pager -u 'facet-*' | tail -n 40")).stdout;
  const eventually = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    await until(what, condition, 240_000).catch(async (caught: unknown) => {
      throw new Error(await journal(), { cause: caught });
    });
  };
  const start = async (name: string): Promise<void> => {
    await write('/etc/facet/coordinator.yaml', configuration(name));
    // Workers before those that they need.
    await run('systemctl start facet-worker@0 facet-worker@1');
    await run('systemctl start facet-broker && systemctl start facet-coordinator');
  };

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    await using workspace = await openWorkspace();
    const settings = [
      'samples.train=1500',
      'samples.test=100',
      'batch.global=32',
      'batch.micro=16',
      'engine.threads=1',
    ];
    const flags = settings.flatMap((setting) => ['--set', setting]);
    const up = ['up', ...MNIST_ON_CPU, '--epochs', String(EPOCHS), '--workers', '1', '--json', ...flags];
    expected = parseJson(await workspace.run(up)).weightsSha256;
    machine = await bootMachine();
    await write('/etc/facet/nats.conf', 'listen: 127.0.0.1:4222\njetstream { store_dir: /var/lib/facet-broker }');
    await write('/etc/facet/worker.env', 'COORDINATOR=127.0.0.1:4300');
    await run('umask 077; echo FACET_RUN_TOKEN=a-token-of-this-machine-that-is-long > /etc/facet/run.env');
  }, TEST_MS);

  afterAll(() => machine?.[Symbol.asyncDispose]());

  beforeEach((context) => {
    if (whyNot !== undefined) context.skip(whyNot);
  });

  it(
    'train, through a restart of the coordinator and a stop of a worker, to the weights of one machine',
    async () => {
      await start('one');
      expect(await facts('facet-coordinator')).toContain('ActiveState=active');
      expect(await run('systemctl show -p StatusText facet-coordinator')).toContain('leads run one at 127.0.0.1:4300');
      await eventually('ten steps', async () => (await commits('one')) >= 10);
      const before = await commits('one');
      await run('systemctl restart facet-coordinator');
      await eventually('the next coordinator goes on', async () => (await commits('one')) > before + 5);
      await run('systemctl stop facet-worker@1');
      expect(await facts('facet-worker@1')).toBe('ActiveState=inactive ExecMainStatus=75 Result=success');
      await run('systemctl start facet-worker@1');
      await run('systemctl kill --signal=KILL facet-worker@0');
      await eventually('the run is finished', async () => (await facts('facet-coordinator')).includes('inactive'));
      expect(await facts('facet-coordinator')).toBe('ActiveState=inactive ExecMainStatus=0 Result=success');
      const result = JSON.parse(await run(`cat ${RUNS}/one/result.json`)) as { weightsSha256: string };
      expect(result.weightsSha256).toBe(expected);
      for (const worker of [0, 1]) {
        await eventually('the workers end', async () => (await facts(`facet-worker@${worker}`)).includes('inactive'));
        expect(await facts(`facet-worker@${worker}`)).toBe('ActiveState=inactive ExecMainStatus=0 Result=success');
      }
    },
    TEST_MS,
  );

  it(
    'are not started again after a stop by a person, and after a mistake',
    async () => {
      await start('two');
      await eventually('five steps', async () => (await commits('two')) >= 5);
      await run(`FACET_RUNS=${RUNS} facet stop two`);
      await eventually('all have ended', async () => (await facts('facet-coordinator')).includes('inactive'));
      expect(await facts('facet-coordinator')).toBe('ActiveState=inactive ExecMainStatus=130 Result=success');
      await write('/etc/facet/coordinator.yaml', `${configuration('three')}epoch: 3\n`);
      await machine!.run('systemctl start facet-coordinator');
      expect(await facts('facet-coordinator')).toBe('ActiveState=failed ExecMainStatus=2 Result=exit-code');
      expect(await journal()).toContain('epoch: unknown key');
    },
    TEST_MS,
  );
});
