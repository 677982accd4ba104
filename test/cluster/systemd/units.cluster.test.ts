/** deploy/systemd as systemd itself reads it: no unknown key, and as little exposure as the units can do with. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { whyNotHere } from '../pieces.js';
import { UNITS, unitFile } from './units.js';

const execute = promisify(execFile);
const whyNot = await whyNotHere(['systemd-analyze'], { needsHosts: false });
/** From 0 to 10, in tenths; below 2 systemd-analyze says OK and smiles. */
const MOST_EXPOSURE = 20;

describe('the units of deploy/systemd', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'facet-units-'));
    // Programs and account that the units name; verify looks for them.
    const folder = path.join(root, 'etc/systemd/system');
    await mkdir(folder, { recursive: true });
    for (const unit of UNITS) {
      const text = await readFile(unitFile(unit), 'utf8');
      await copyFile(unitFile(unit), path.join(folder, unit));
      for (const [, program = ''] of text.matchAll(/^Exec\w+=(\S+)/gm)) {
        await mkdir(path.join(root, path.dirname(program)), { recursive: true });
        await writeFile(path.join(root, program), '#!/bin/sh\n', { mode: 0o755 });
      }
    }
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  beforeEach((context) => {
    if (whyNot !== undefined) context.skip(whyNot);
  });

  /** What systemd says of a unit. Unknown keys are only told, with exit code 0. */
  const verified = async (unit: string): Promise<string> => {
    const args = ['verify', '--root', root, '--man=no', '--recursive-errors=no', unit];
    const { stdout, stderr } = await execute('systemd-analyze', args).catch(
      (failure: unknown) => failure as { readonly stdout: string; readonly stderr: string },
    );
    return `${stdout}${stderr}`;
  };

  it.each(UNITS)('%s has no key that systemd does not know', async (unit) => {
    expect(await verified(unit.replace('@.', '@0.'))).toBe('');
  });

  it('notices an unknown key', async () => {
    const file = path.join(root, 'etc/systemd/system/wrong.service');
    await writeFile(file, '[Service]\nExecStart=/usr/local/bin/facet\nRestartPrevent=2\n');
    expect(await verified('wrong.service')).toContain("Unknown key 'RestartPrevent' in section [Service]");
  });

  it.each(UNITS)('%s is exposed little', async (unit) => {
    const { stdout } = await execute('systemd-analyze', [
      ...['security', '--offline=yes', '--no-pager', `--threshold=${MOST_EXPOSURE}`, unitFile(unit)],
    ]);
    expect(stdout).toMatch(/Overall exposure level for \S+: [01]\.\d OK/);
  });
});
