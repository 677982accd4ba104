/** Size of one image in pixels and channels. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface DatasetShape {
  readonly image: ImageShape;
  /** Number of classes. */
  readonly classes: number;
}

/** The shape of the samples of each dataset. The user's own files in a folder may differ in height and width. */
export const DATASET_SHAPES = {
  mnist: { image: { height: 28, width: 28, channels: 1 }, classes: 10 },
  cifar10: { image: { height: 32, width: 32, channels: 3 }, classes: 10 },
} as const satisfies Record<string, DatasetShape>;
