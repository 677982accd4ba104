/** Size of one image in pixels and channels. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The shape of the samples of a dataset. */
export interface DatasetShape {
  readonly image: ImageShape;
  /** Number of classes. */
  readonly classes: number;
}
