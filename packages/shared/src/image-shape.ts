/** Size of one image in pixels and channels. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}
