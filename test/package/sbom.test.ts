/** The bill of materials is made by npm from the lock file; this compares the two, so that nothing that users install is left out. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ROOT } from '../metrics/repository.js';

interface Bill {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses?: readonly unknown[];
  }[];
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { version: string; integrity?: string; dev?: true; link?: true; optional?: true; peer?: true }>
  >;
}

it('names every production package with the hash of the lock file and a licence', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/sbom.mjs'], { cwd: ROOT, maxBuffer: 1e8 });
  const bill = JSON.parse(stdout) as Bill;
  expect(bill.bomFormat).toBe('CycloneDX');
  const lock = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  const installed = Object.entries(lock.packages).filter(
    ([place, { dev, link, optional, peer }]) =>
      // What is optional is only there on its own platform.
      place.includes('node_modules/') && dev === undefined && link === undefined && !optional && !peer,
  );
  expect(installed.length).toBeGreaterThan(60);
  for (const tool of ['vitest', 'typescript']) expect(bill.components.map(({ name }) => name)).not.toContain(tool);
  for (const [place, { version, integrity = '' }] of installed) {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const found = bill.components.find((component) => component.name === name && component.version === version);
    const hash = found?.hashes?.find(({ alg }) => alg === 'SHA-512')?.content ?? '';
    expect(`sha512-${Buffer.from(hash, 'hex').toString('base64')}`, place).toBe(integrity);
    expect(found?.licenses?.length, place).toBeGreaterThan(0);
  }
});
