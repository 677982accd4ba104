import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeMissing, findToolchain, requirePlatform } from './prerequisites.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-toolchain-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('what the installation needs', () => {
  it('is told at once, each with its package, and each package once', async () => {
    const finding = findToolchain({ env: { PATH: folder }, folder });
    await expect(finding).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message:
        "building TensorFlow's binding needs Python 3 (`python3`; FACET_PYTHON or --python names another), " +
        'a C++ compiler (`g++`; CXX names another), npm (`npm`), tar (`tar`), which do not work here. ' +
        'Debian, Ubuntu: `apt-get install g++ npm python3-pip tar`',
    });
  });

  it('names the Python that was asked for: the flag before the variable', async () => {
    const env = { PATH: folder, FACET_PYTHON: '/variable/python' };
    await expect(findToolchain({ env, folder })).rejects.toThrow('Python 3 (`/variable/python`;');
    await expect(findToolchain({ env, folder, python: '/flag/python' })).rejects.toThrow('Python 3 (`/flag/python`;');
  });

  it('is told in the singular when it is one program', () => {
    expect(describeMissing([{ what: 'pip (`python3 -m pip`)', aptPackage: 'python3-pip' }])).toBe(
      "building TensorFlow's binding needs pip (`python3 -m pip`), which does not work here. " +
        'Debian, Ubuntu: `apt-get install python3-pip`',
    );
  });

  it.each([
    ['linux', 'arm64'],
    ['darwin', 'arm64'],
    ['win32', 'x64'],
  ])('is not there on %s-%s, which has a way of its own', (platform, arch) => {
    expect(() => {
      requirePlatform(platform, arch);
    }).toThrow(`this is ${platform}-${arch}. Install @tensorflow/tfjs-node`);
  });
});
