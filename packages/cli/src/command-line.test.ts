/** Arguments and surroundings that are refused: exit code 2, one clear message, nothing started and nothing made. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { DATASETS } from '@facet/shared';
import { withCommandName } from './command-name.js';
import { up, useRefusals, type Refusal } from '../test/refused-commands.js';
import { runCli, runInProcess } from '../test/run-cli.js';

const { refused, expectRefused } = useRefusals();

test.each<Refusal>([
  ['an unknown flag', ['up', '--worker', '2'], "error: unknown option '--worker'\n(Did you mean --workers?)\n"],
  [
    'the flag of another trainer',
    ['up', '--lr', '0.1'],
    "error: unknown option '--lr'\n(The configuration key is optimizer.peakLearningRate: set it with --set optimizer.peakLearningRate=VALUE)\n",
  ],
  [
    'a flag of another trainer that is a key of ours',
    ['up', '--batch-size', '64'],
    "error: unknown option '--batch-size'\n(The configuration key is batch.global: set it with --set batch.global=VALUE)\n",
  ],
  ['an unknown command', ['trian'], "error: unknown command 'trian'\n"],
  ['an unknown subcommand', ['ledger', 'chek'], "error: unknown command 'chek'\n(Did you mean check?)\n"],
  ['a missing flag', ['worker'], "error: required option '--coordinator <host:port>' not specified\n"],
  ['a missing argument', ['resume'], "error: missing required argument 'run'\n"],
  ['too many arguments', [...up, 'now'], "error: too many arguments for 'up'. Expected 0 arguments but got 1.\n"],
  [
    'a broker that is not there',
    [...up, '--nats', 'nats://ada:s3cret@127.0.0.1:1'],
    'error [BROKER_UNREACHABLE]: no NATS broker answers (127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1); start one with `nats-server -js`, correct --nats, or leave it out and `facet up` starts its own\n',
  ],
  [
    'an unknown dataset to fetch',
    ['dataset', 'fetch', 'cifar-10'],
    `error [CONFIG_INVALID]: there is no dataset 'cifar-10', expected one of ${DATASETS.join(', ')}; did you mean cifar10?\n`,
  ],
  [
    'a worker without an address',
    ['worker', '--coordinator', 'here', '--device', 'gpu', '--threads', 'many'],
    "error [CONFIG_INVALID]: --coordinator: 'here', expected HOST:PORT, as the coordinator prints it\n--device: 'gpu', expected one of auto, cpu, webgpu, cuda; for a GPU say cuda (NVIDIA) or webgpu\n--threads: 'many', expected a whole number from 0 to 1024\n",
  ],
  [
    'a worker with addresses that are none',
    ['worker', '--coordinator', 'here:1', '--port', '70000', '--advertise', 'a/b', '--nats', 'nats://u:secret@a b'],
    "error [CONFIG_INVALID]: --advertise: 'a/b', expected HOST or HOST:PORT, at which other workers reach this one\n--nats: 'nats://***@a b', expected an address such as nats://HOST:4222, or several with a comma between two\n--port: '70000', expected a whole number from 0 to 65535\n",
  ],
  [
    'a simulated host with three ranks',
    ['simulate', '--ranks-per-host', '3'],
    "error: option '--ranks-per-host <number>' argument '3' is invalid. Expected a power of two from 1 to 4096.\n",
  ],
  [
    'a simulated link without speed',
    ['simulate', '--gbit', '0'],
    "error: option '--gbit <number>' argument '0' is invalid. Expected a number above 0.\n",
  ],
  [
    'a coordinator that is not there',
    ['status', '--coordinator', '127.0.0.1:1'],
    'error [COORDINATOR_UNREACHABLE]: no coordinator answers at 127.0.0.1:1: ',
  ],
])('refuses %s', (_, args, message) => expectRefused(args, message));

test('with --json, the error is one object on the last line of stdout', async () => {
  const bad = await refused(['up', '--dataset', 'mnits', '--json']);
  expect(JSON.parse(bad.stdout)).toEqual({
    error: { code: 'CONFIG_INVALID', message: expect.stringContaining('mnits') },
  });
  const unknown = await refused(['up', '--josn', '--json']);
  expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'CONFIG_INVALID' } });
});

test('refuses a busy port', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { stderr } = await refused([...up, '--set', `coordinator.httpPort=${port}`]);
  expect(stderr).toContain(`error [PORT_BUSY]: coordinator.httpPort: port ${port} on 127.0.0.1 is in use`);
  server.close();
});

test('refuses a broker that does not work, and names it', async () => {
  const { stderr } = await refused(up, { NATS_SERVER_BIN: '/nowhere/nats-server' });
  expect(stderr).toContain('error [BROKER_NOT_FOUND]');
  expect(stderr).toContain('NATS_SERVER_BIN=/nowhere/nats-server: no such file');
});

test('help is no failure, and no command asks for it', async () => {
  const help = await runInProcess(['up', '--help'], {});
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('facet up --dataset mnist --workers 2');
  expect(help.stdout).not.toContain('exit-with-parent');
  const alone = await runInProcess([], {});
  expect(alone).toEqual(await runInProcess(['--help'], {}));
  expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: facet') as string });
});

test('the built command says the same, and ends with the same code', async () => {
  for (const args of [['up', '--help'], ['up', '--dataset', 'mnits', '--json'], []]) {
    const { stdout, stderr, code } = await runInProcess(args, {});
    const named = { stdout: withCommandName(stdout, 'npx facet'), stderr: withCommandName(stderr, 'npx facet') };
    expect(await runCli(args, {})).toEqual({ code, ...named });
  }
});
