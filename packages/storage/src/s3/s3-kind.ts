/** `s3://BUCKET/PREFIX`: runs in a bucket. */
import { TrainingError } from '@facet/shared';
import type { StoreKind } from '../store/store-kind.js';

export const S3: StoreKind = {
  scheme: 's3://',
  shape: 's3://BUCKET or s3://BUCKET/PREFIX',
  async open(place, { env }) {
    const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.+))?$/.exec(place) ?? [];
    if (bucket === undefined) throw new TrainingError('CONFIG_INVALID', `the store '${place}': expected ${S3.shape}`);
    const { openS3Store } = await import('./s3-store.js');
    return openS3Store({ bucket, prefix, env });
  },
};
