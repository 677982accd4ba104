/** MNIST (LeCun, Cortes and Burges 1998): handwritten digits. */
import type { DatasetDefinition, DatasetFile } from './definition.js';

export const MNIST = {
  name: 'mnist',
  title: 'MNIST',
  image: { height: 28, width: 28, channels: 1 },
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  samples: { train: 60_000, test: 10_000 },
  family: 'mnist',
  traits: { isMirrorable: false, shows: 'digit', style: 'digit' },
  origin: 'package',
  files: {
    format: 'idx',
    // MD5s as published with MNIST.
    trainImages: idxFile('train-images-idx3-ubyte', 47_040_016, '6bbc9ace898e44ae57da46a324031adb'),
    trainLabels: idxFile('train-labels-idx1-ubyte', 60_008, 'a25bea736e30d166cdddb491f175f624'),
    testImages: idxFile('t10k-images-idx3-ubyte', 7_840_016, '2646ac647ad5339dbf082846283269ea'),
    testLabels: idxFile('t10k-labels-idx1-ubyte', 10_008, '27ae3e4e09519cfbb04c329615203637'),
    firstLabel: 0,
    isTransposed: false,
  },
} as const satisfies DatasetDefinition;

function idxFile(name: string, bytes: number, digest: string): DatasetFile {
  return { name, otherNames: [name.replace('-idx', '.idx')], published: { bytes, algorithm: 'md5', digest } };
}
