import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAddressFile, removeAddressFile, writeAddressFile } from './address-file.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-address-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('reads back what was written, and leaves nothing else', async () => {
  const file = path.join(folder, 'coordinator.json');
  const address = { run: 'demo', address: '127.0.0.1:5555', httpUrl: 'http://127.0.0.1:5556', pid: process.pid };
  await writeAddressFile(file, address);
  expect(await readdir(folder)).toEqual(['coordinator.json']);
  expect(await readAddressFile(file)).toEqual(address);
  removeAddressFile(file);
  removeAddressFile(file);
  expect(await readAddressFile(file)).toBeUndefined();
});

test('stays when it has become that of another process', async () => {
  const file = path.join(folder, 'coordinator.json');
  const address = { run: 'demo', address: '127.0.0.1:5555', httpUrl: '', pid: process.ppid };
  await writeAddressFile(file, address);
  removeAddressFile(file);
  expect(await readAddressFile(file)).toEqual(address);
});

test.each(['', '{"run":', '{}', '[]', '{"run":"x","address":3,"pid":1}'])('takes %j for no address', async (text) => {
  const file = path.join(folder, 'coordinator.json');
  await writeFile(file, text);
  expect(await readAddressFile(file)).toBeUndefined();
});
