import { describe, it } from 'vitest';
import { pythonWithMoto, startS3Server } from '../../test/s3-server.js';
import { describeStore } from '../../test/store-contract.js';
import { openS3Store } from './s3-store.js';

const python = pythonWithMoto();

if (python === undefined) {
  describe('the store in S3', () => {
    it.skip('needs a Python with moto[server], named by FACET_PYTHON', () => undefined);
  });
} else {
  describeStore('in S3', {
    async open() {
      const server = await startS3Server(python, 'facet');
      const other = () => openS3Store({ bucket: 'facet', prefix: 'some/runs', env: server.env });
      return { store: await other(), other, close: () => server[Symbol.asyncDispose]() };
    },
    histories: 5,
  });
}
