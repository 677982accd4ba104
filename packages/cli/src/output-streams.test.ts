/** A process whose terminal or reader goes away, as a process: what a stream and a signal do there is Node's affair. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

it('goes on to the end when nobody reads what it writes', async () => {
  const child = spawn(process.execPath, [MAIN, 'presets'], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.destroy();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it.each(['stdout', 'stderr'])('goes on to the end when its %s fails (EIO)', async (stream) => {
  // Nothing is mapped at address 0 of any process, so a write there is an input/output error.
  const failing = openSync('/proc/self/mem', 'r+');
  const stdio =
    stream === 'stdout' ? (['ignore', failing, 'ignore'] as const) : (['ignore', 'ignore', failing] as const);
  const args = stream === 'stdout' ? ['presets'] : ['up', '--dataset', 'mnits'];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: [...stdio] });
  expect(await once(child, 'exit')).toEqual([stream === 'stdout' ? 0 : 2, null]);
  closeSync(failing);
});

it('fails when what it writes is lost to somebody', async () => {
  const child = spawn(process.execPath, [MAIN, 'presets'], { stdio: ['ignore', openSync('/dev/full', 'w'), 'ignore'] });
  expect(await once(child, 'exit')).toEqual([1, null]);
});

it('goes on when its terminal hangs up', async () => {
  await using broker = createServer().listen(0, '127.0.0.1');
  await once(broker, 'listening');
  const nats = `nats://127.0.0.1:${(broker.address() as AddressInfo).port}`;
  const args = ['up', '--dataset', 'mnist', '--nats', nats];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  // The command asks the broker what it is: it is under way, and goes on to say that this is none.
  broker.on('connection', (socket) => {
    child.kill('SIGHUP');
    socket.end();
  });
  const [message] = (await once(child.stderr.setEncoding('utf8'), 'data')) as [string];
  expect(message).toContain('BROKER_UNREACHABLE');
  expect(await ended).toEqual([75, null]);
});
