import { describeWithEveryS3 } from '../../test/s3-server.js';
import { describeStore } from '../../test/store-contract.js';
import { openS3Store } from './s3-store.js';

describeWithEveryS3('in S3', (start, product) => {
  describeStore(`in S3 (${product})`, {
    async open() {
      const server = await start('facet');
      const other = () => openS3Store({ bucket: 'facet', prefix: 'some/runs', env: server.env });
      return { store: await other(), other, close: () => server[Symbol.asyncDispose]() };
    },
    histories: 5,
  });
});
