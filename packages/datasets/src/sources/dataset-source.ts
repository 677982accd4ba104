/** A source made of one of the known datasets: MNIST, CIFAR and their relatives. */
import type { DatasetSource, Split } from '../dataset.js';
import { openDataset } from '../open.js';
import { memoryColumn } from './column.js';
import { columnSource, type Columns } from './column-source.js';
import type { SampleSource } from './sample-source.js';

/**
 * Opens a known dataset as a source: fields `image` [height, width, channels] of type `uint8`, and `label`. The dataset is in
 * memory.
 *
 * @throws TrainingError as `openDataset` does.
 */
export async function dataset(from: DatasetSource): Promise<SampleSource> {
  const { name, image, classes, train, test } = await openDataset(from);
  const columnsOf = ({ count, pixels, labels }: Split): Columns => ({
    image: memoryColumn({ shape: [image.height, image.width, image.channels], type: 'uint8' }, count, pixels),
    label: memoryColumn({ shape: [], type: 'int32' }, count, Int32Array.from(labels)),
  });
  return columnSource({ about: name, train: columnsOf(train), test: columnsOf(test), classes });
}
