/**
 * What the tests of this package share: encoders of tiny datasets, temporary folders, and a local HTTP server. It
 * encodes IDX by hand, independently of the decoder under test.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An IDX file of unsigned bytes with the given dimensions. */
export function encodeIdx(dimensions: readonly number[], content: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt32BE(0x0800 + dimensions.length, 0);
  dimensions.forEach((length, i) => header.writeUInt32BE(length, 4 + 4 * i));
  return Buffer.concat([header, content]);
}

/** Bytes 0, 1, 2, ... modulo `modulus`. */
export function countingBytes(length: number, modulus = 256): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % modulus);
}

/** The four files of a tiny MNIST: `train` and `test` images of 2x3 pixels. */
export function tinyMnist(train = 4, test = 2): Record<string, Buffer> {
  return {
    'train-images-idx3-ubyte': encodeIdx([train, 2, 3], countingBytes(train * 6)),
    'train-labels-idx1-ubyte': encodeIdx([train], countingBytes(train, 10)),
    't10k-images-idx3-ubyte': encodeIdx([test, 2, 3], countingBytes(test * 6)),
    't10k-labels-idx1-ubyte': encodeIdx([test], countingBytes(test, 10)),
  };
}

/** Writes files into a folder. */
export async function writeFiles(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-datasets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Serves on an ephemeral port of 127.0.0.1 until the test ends; returns the base URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
