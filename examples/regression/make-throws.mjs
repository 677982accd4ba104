// Writes the table of this example: node make-throws.mjs FILE [ROWS]. How far a thrown ball flies, with the drag of the air.
import { writeFile } from 'node:fs/promises';

const GRAVITY = 9.81; // m/s^2
const AIR_DENSITY = 1.2; // kg/m^3
const DRAG_OF_A_SPHERE = 0.47;
const STEP_SECONDS = 0.002;
const [file = 'throws.csv', count = '4000'] = process.argv.slice(2);

let state = 1;
/** Uniform in [low, high): a linear congruential generator modulo 2^32. */
function between(low, high) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return low + ((high - low) * state) / 2 ** 32;
}

/** Metres until the ball is at the height from which it was thrown, in steps of the midpoint method. */
function distance({ speed, angle, mass, diameter }) {
  const drag = (0.5 * AIR_DENSITY * DRAG_OF_A_SPHERE * Math.PI * (diameter / 2) ** 2) / mass;
  const slowed = (vx, vy) => {
    const slowing = drag * Math.hypot(vx, vy);
    return [-slowing * vx, -GRAVITY - slowing * vy];
  };
  let [x, y] = [0, 0];
  let [vx, vy] = [speed * Math.cos((angle * Math.PI) / 180), speed * Math.sin((angle * Math.PI) / 180)];
  do {
    const [ax, ay] = slowed(vx, vy);
    const [mx, my] = [vx + (ax * STEP_SECONDS) / 2, vy + (ay * STEP_SECONDS) / 2];
    const [bx, by] = slowed(mx, my);
    x += mx * STEP_SECONDS;
    y += my * STEP_SECONDS;
    vx += bx * STEP_SECONDS;
    vy += by * STEP_SECONDS;
  } while (y > 0);
  return x;
}

const rows = Array.from({ length: Number(count) }, () => {
  const ball = {
    speed: between(5, 40),
    angle: between(10, 80),
    mass: between(0.05, 0.6),
    diameter: between(0.04, 0.24),
  };
  return [...Object.values(ball), distance(ball)].map((number) => number.toFixed(4)).join(',');
});
await writeFile(file, `speed,angle,mass,diameter,distance\n${rows.join('\n')}\n`);
console.log(`${file}: ${count} throws`);
