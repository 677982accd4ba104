/**
 * Where the tokens of an image stand when the image is seen through a view. Pure geometry; it mirrors what the matrices of
 * model/views.ts do to pixels.
 */
import type { View } from '@facet/multiview';

export interface TokenGrid {
  /** Tokens along one side. */
  readonly side: number;
  /** Pixels from one token to the next. */
  readonly pitch: number;
}

/** For each token of the image, the nearest token of the view's picture, or -1 for one that the view does not show. */
export function tokenPlaces({ zoom, rotationDegrees, shiftX, shiftY }: View, { side, pitch }: TokenGrid): number[] {
  const angle = (rotationDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const centre = (side - 1) / 2;
  const index = (pixels: number): number => Math.floor(pixels / pitch + centre + 0.5);
  const isInside = (at: number): boolean => at >= 0 && at < side;
  return Array.from({ length: side * side }, (_, token) => {
    // Pixels from the centre of the image, to the right and down: turned clockwise, then moved and scaled.
    const x = ((token % side) - centre) * pitch;
    const y = (Math.floor(token / side) - centre) * pitch;
    const column = index((x * cos - y * sin - shiftX) * zoom);
    const row = index((x * sin + y * cos - shiftY) * zoom);
    return isInside(column) && isInside(row) ? row * side + column : -1;
  });
}
