import { describeStore } from '../../test/store-contract.js';
import { objectLedger } from '../store/object-ledger.js';
import { MemoryStore } from './memory-store.js';

const open = () => {
  const store = new MemoryStore();
  return Promise.resolve({ store, other: () => Promise.resolve(store), close: () => Promise.resolve() });
};

describeStore('in memory', { open, histories: 100 });

/** A ledger made of objects, as S3 has it. */
class ObjectLedgerStore extends MemoryStore {
  override async open(run: string): ReturnType<MemoryStore['open']> {
    const store = await super.open(run);
    const { objects } = store;
    return {
      ...store,
      objects: {
        ...objects,
        list: async (prefix) =>
          (await objects.list(prefix)).filter((name) => prefix.startsWith('ledger/') || !name.startsWith('ledger/')),
      },
      ledger: objectLedger(objects, store.place),
    };
  }
}

describeStore('in memory, with a ledger of objects', {
  open: () => {
    const store = new ObjectLedgerStore();
    return Promise.resolve({ store, other: () => Promise.resolve(store), close: () => Promise.resolve() });
  },
  histories: 100,
});
