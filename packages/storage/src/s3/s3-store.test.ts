import { describeWithS3, startS3Server } from '../../test/s3-server.js';
import { describeStore } from '../../test/store-contract.js';
import { openS3Store } from './s3-store.js';

describeWithS3('in S3', (python) => {
  describeStore('in S3', {
    async open() {
      const server = await startS3Server(python, 'facet');
      const other = () => openS3Store({ bucket: 'facet', prefix: 'some/runs', env: server.env });
      return { store: await other(), other, close: () => server[Symbol.asyncDispose]() };
    },
    histories: 5,
  });
});
