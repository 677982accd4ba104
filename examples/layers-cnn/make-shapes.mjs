// Draws the images of this example: node make-shapes.mjs FOLDER [IMAGES PER CLASS]. The same images every time.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

const SIDE = 48;
const [folder = 'shapes', count = '300'] = process.argv.slice(2);

let state = 1;
/** Uniform in [0, 1): a linear congruential generator modulo 2^32. */
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}
const between = (low, high) => low + (high - low) * random();
const colour = (lightness) => `hsl(${between(0, 360).toFixed(0)}, 80%, ${lightness}%)`;

/** The points of a polygon whose corners lie on a circle, every second one further in. */
function polygon(corners, radius, inner = radius) {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners;
    const distance = corner % 2 === 0 ? radius : inner;
    return `${(distance * Math.cos(angle)).toFixed(2)},${(distance * Math.sin(angle)).toFixed(2)}`;
  });
  return `<polygon points="${points.join(' ')}"/>`;
}

const SHAPES = {
  circle: (radius) => `<circle r="${radius.toFixed(2)}"/>`,
  square: (radius) => polygon(4, radius),
  star: (radius) => polygon(10, radius, radius * 0.45),
  triangle: (radius) => polygon(3, radius),
};

for (const [name, draw] of Object.entries(SHAPES)) {
  await mkdir(path.join(folder, name), { recursive: true });
  for (let image = 0; image < Number(count); image++) {
    const radius = between(10, 18);
    const place = `translate(${between(20, 28).toFixed(2)} ${between(20, 28).toFixed(2)}) rotate(${between(-20, 20).toFixed(0)})`;
    const svg =
      `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">` +
      `<rect width="100%" height="100%" fill="${colour(85)}"/>` +
      `<g transform="${place}" fill="${colour(45)}">${draw(radius)}</g></svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(path.join(folder, name, `${image}.png`));
  }
}
console.log(`${folder}: ${count} images each of ${Object.keys(SHAPES).join(', ')}`);
