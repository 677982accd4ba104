import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandName, namingStream, withCommandName } from './command-name.js';
import type { OutputStream } from './context.js';

let folder = '';
let launcher = '';

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'facet-name-')));
  launcher = path.join(folder, 'checkout', 'facet.mjs');
  await mkdir(path.join(folder, 'checkout', 'node_modules', '.bin'), { recursive: true });
  await mkdir(path.join(folder, 'checkout', 'below'));
  await mkdir(path.join(folder, 'bin'));
  await writeFile(launcher, '');
  await symlink(launcher, path.join(folder, 'checkout', 'node_modules', '.bin', 'facet'));
  await symlink(launcher, path.join(folder, 'bin', 'facet'));
});

afterAll(() => rm(folder, { recursive: true }));

const nameFrom = (cwd: string, PATH = '/usr/bin'): string =>
  commandName({ script: launcher, launcher, cwd: path.join(folder, cwd), env: { PATH } });

describe('the command', () => {
  it('is npx with the name of the package where npx keeps it and the folder has none', () => {
    const cached = '/home/me/.npm/_npx/0a1b/node_modules/facet-train/bin/facet.mjs';
    expect(commandName({ script: cached, launcher: cached, cwd: '/', env: { PATH: '/usr/bin' } })).toBe(
      'npx facet-train',
    );
  });

  it('is facet where that is on the PATH, and another facet is not', () => {
    expect(nameFrom('.', `/usr/bin:${path.join(folder, 'bin')}`)).toBe('facet');
    expect(
      commandName({
        script: '/x/other.mjs',
        launcher: '/x/other.mjs',
        cwd: '/',
        env: { PATH: path.join(folder, 'bin') },
      }),
    ).toBe('node x/other.mjs');
  });

  it('is npx facet in a checkout and below, also when npm has started it', () => {
    const bin = path.join(folder, 'checkout', 'node_modules', '.bin');
    for (const cwd of ['checkout', 'checkout/below']) {
      expect(nameFrom(cwd)).toBe('npx facet');
      expect(nameFrom(cwd, `${bin}:/usr/bin`)).toBe('npx facet');
    }
  });

  it('is node and its file elsewhere', () => {
    expect(nameFrom('.')).toBe('node checkout/facet.mjs');
    expect(nameFrom('bin')).toBe(`node ${launcher}`);
  });
});

it.each([
  ['go on with `facet resume x`', 'go on with `npx facet resume x`'],
  ['next: facet evaluate x    facet ledger check x', 'next: npx facet evaluate x    npx facet ledger check x'],
  ['\nExample:\n  facet up --workers 2', '\nExample:\n  npx facet up --workers 2'],
  ['repeat it with: facet chaos --seed 7', 'repeat it with: npx facet chaos --seed 7'],
  ['/home/facet is here, npx facet up, facet-broker', '/home/facet is here, npx facet up, facet-broker'],
])('is named in %s', (said, printed) => {
  expect(withCommandName(said, 'npx facet')).toBe(printed);
  expect(withCommandName(said, 'facet')).toBe(said);
});

it('is named in what a stream prints, which is otherwise the same stream', async () => {
  const stream = new PassThrough() as unknown as OutputStream & PassThrough;
  const naming = namingStream(stream, 'npx facet');
  naming.write('`facet up`');
  naming.end();
  expect(await text(stream)).toBe('`npx facet up`');
  expect(naming.isTTY).toBe(stream.isTTY);
});
