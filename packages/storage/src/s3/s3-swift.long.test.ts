/** The contract of stores against the s3api of OpenStack Swift, where its Debian packages are installed. */
import { afterAll, beforeAll, it, vi } from 'vitest';
import type { S3Server } from '../../test/s3-server.js';
import { describeStore } from '../../test/store-contract.js';
import { missingOfSwift, startSwift } from '../../test/swift-server.js';
import { openS3Store } from './s3-store.js';

const missing = missingOfSwift();
if (missing !== undefined) it('in S3 (Swift)', ({ skip }) => skip(missing));
else {
  vi.setConfig({ testTimeout: 120_000 });
  let server: S3Server;
  beforeAll(async () => {
    server = await startSwift('facet');
  }, 180_000);
  afterAll(() => server[Symbol.asyncDispose]());

  describeStore('in S3 (Swift)', {
    async open() {
      const other = () => openS3Store({ bucket: 'facet', prefix: 'some/runs', env: server.env });
      return { store: await other(), other, close: () => Promise.resolve() };
    },
    histories: 3,
  });
}
