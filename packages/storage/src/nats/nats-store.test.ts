import { startBroker } from '../../../coordinator/test/broker.js';
import { describeStore } from '../../test/store-contract.js';
import { openNatsStore } from './nats-store.js';

describeStore('in NATS', {
  async open() {
    const broker = await startBroker();
    const other = () => openNatsStore(broker);
    const store = await other();
    return {
      store,
      other,
      async close() {
        await store[Symbol.asyncDispose]();
        await broker[Symbol.asyncDispose]();
      },
    };
  },
  histories: 15,
});
