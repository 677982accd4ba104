/**
 * Canny's edge detector (Canny 1986): blur, Sobel gradients, thinning along the gradient, hysteresis. White edges on black
 * replace the picture.
 */
import { filter, gaussianBlur } from './filters.js';
import { createPlane, mapPlanes, pixelAt, type Picture, type Plane } from './picture.js';

/** Gradient magnitudes (of a Sobel filter that is not normalised) above which an edge goes on, and begins. */
const LOW = 0.1;
const HIGH = 0.2;

const SOBEL_ACROSS: Plane = { height: 3, width: 3, values: Float32Array.of(-1, 0, 1, -2, 0, 2, -1, 0, 1) };
const SOBEL_DOWN: Plane = { height: 3, width: 3, values: Float32Array.of(-1, -2, -1, 0, 0, 0, 1, 2, 1) };

/** Keeps only the edges, after a blur of the given standard deviation in pixels. */
export function cannyEdges(picture: Picture, sigma: number): Picture {
  return mapPlanes(picture, (plane) => edgesOf(plane, sigma));
}

function edgesOf(plane: Plane, sigma: number): Plane {
  const smooth = gaussianBlur(plane, sigma);
  const [across, down] = [filter(smooth, SOBEL_ACROSS), filter(smooth, SOBEL_DOWN)];
  const strength = createPlane(plane.height, plane.width, (row, column) => {
    const at = row * plane.width + column;
    return Math.hypot(across.values[at]!, down.values[at]!);
  });
  const thin = createPlane(plane.height, plane.width, (row, column) => {
    const at = row * plane.width + column;
    // One of eight neighbours, in the direction of the gradient.
    const octant = (Math.round(Math.atan2(down.values[at]!, across.values[at]!) / (Math.PI / 4)) * Math.PI) / 4;
    const [stepRow, stepColumn] = [Math.round(Math.sin(octant)), Math.round(Math.cos(octant))];
    const here = strength.values[at]!;
    const isRidge =
      here >= pixelAt(strength, row + stepRow, column + stepColumn, 'zero') &&
      here > pixelAt(strength, row - stepRow, column - stepColumn, 'zero');
    return isRidge && here >= LOW ? here : 0;
  });
  return linked(thin);
}

/** Weak ridges that hang together with a strong one become edges too. */
function linked(thin: Plane): Plane {
  const { height, width } = thin;
  const values = new Float32Array(height * width);
  const waiting = [...thin.values.keys()].filter((at) => thin.values[at]! >= HIGH);
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (values[at] === 1) continue;
    values[at] = 1;
    const [row, column] = [Math.floor(at / width), at % width];
    for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
        if (thin.values[r * width + c]! > 0 && values[r * width + c] === 0) waiting.push(r * width + c);
      }
    }
  }
  return { height, width, values };
}
