/** A decoded picture: what a person sees on a screen, upright, in sRGB. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4]: red, green, blue and opacity, 0..255; colours are not multiplied by the opacity. */
  readonly rgba: Uint8Array;
}

/** One channel of a picture, row by row; 0 is black and 1 white or full colour. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  /** [height, width] */
  readonly values: Float32Array;
}
