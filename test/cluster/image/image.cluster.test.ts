/** The image that deploy/Dockerfile makes: small, without rights, and able to do what the command does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER_CACHE, whyNoDocker } from '../cluster-cache.js';
import { openDockerEngine, type DockerEngine } from '../kubernetes/docker-engine.js';
import { openNetworkSpace, type NetworkSpace } from '../kubernetes/network-space.js';

const IMAGE = 'facet:0.1.0-cpu';
const MOST_BYTES = 400e6;
const MINUTE_MS = 60_000;
/** As the files of deploy/ start it. */
const CLOSED = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const RUNS = ['--tmpfs', '/runs:uid=1000'];

const missing = whyNoDocker();

describe.skipIf(missing !== undefined)(`the image${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder = '';
  let space: NetworkSpace;
  let engine: DockerEngine;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'facet-image-'));
    space = await openNetworkSpace(folder);
    engine = await openDockerEngine({ cache: CLUSTER_CACHE, folder, space });
  }, 2 * MINUTE_MS);

  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await space[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, MINUTE_MS);

  const run = (...args: readonly string[]): Promise<string> =>
    engine.docker('run', '--rm', ...CLOSED, ...RUNS, IMAGE, ...args);

  it('is smaller than 400 MB, and says what it is', async () => {
    const [image] = JSON.parse(await engine.docker('image', 'inspect', IMAGE)) as {
      Size: number;
      Config: { User: string; Labels: Record<string, string>; Healthcheck: object };
    }[];
    console.info(`the image has ${(image!.Size / 1e6).toFixed(0)} MB`);
    expect(image!.Size).toBeLessThan(MOST_BYTES);
    expect(image!.Config).toMatchObject({
      User: '1000:1000',
      Labels: { 'org.opencontainers.image.licenses': 'Apache-2.0', 'org.opencontainers.image.version': '0.1.0' },
      Healthcheck: { Test: ['CMD', 'node', '/facet/healthcheck.mjs'] },
    });
  });

  it('has a bill of materials with what runs', async () => {
    const script = "console.log(require('/facet/sbom.cdx.json').components.map(({ name }) => name).join())";
    const names = await engine.docker('run', '--rm', '--entrypoint', 'node', IMAGE, '-e', script);
    expect(names.trim().split(',')).toEqual(expect.arrayContaining(['onnxruntime-node', '@grpc/grpc-js', 'zod']));
  });

  it('proves its engine, evaluates and exports with a read-only root', { timeout: 5 * MINUTE_MS }, async () => {
    const script = [
      'set -e',
      'cp -r /facet/models/mnist-fast /tmp/model',
      'facet doctor --engine onnxruntime',
      'facet export /tmp/model --format onnx --out /tmp/exported',
      'facet evaluate /tmp/model --json',
    ].join('; ');
    const output = await engine.docker('run', '--rm', ...CLOSED, ...RUNS, '--entrypoint', 'sh', IMAGE, '-c', script);
    expect(output).toContain('"accuracy"');
    expect(await run('--version')).toMatch(/^0\.1\.0/);
  });
});
