/**
 * A start for the weights that look at raw patches: cosines (the basis of a two-dimensional DCT), each scaled up by as much as
 * natural images have less of it. Random weights would all see little but the mean brightness of a patch, which is where
 * nearly all of its energy is; the features of these begin uncorrelated and of about the same size. It is what whitening by
 * the statistics of the training set does (Jordan 2024, airbench), without looking at the set. Whether it gains anything over
 * a whole training has not been measured. Pure numbers.
 */
import { randomKey, randomStream } from '@facet/shared';

/** How fast amplitudes fall with frequency: sigma(a, b) ~ (1 + a^2 + b^2)^-FALL, fitted to patches of natural images. */
const FALL = 1.35;
/** Share of a patch's deviation that its mean has. */
const MEAN_SHARE = 0.84;
/** How much less than brightness the differences of colours vary. */
const COLOUR_FACTORS = [1, 3.3, 7];
/** Nothing is scaled up by more than this: what is that rare is mostly noise. */
const MOST_GAIN = 2;

const GREY = [[1]];
/** Brightness, red against blue, green against both; orthonormal. */
const OPPONENT = [
  [1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)],
  [1 / Math.SQRT2, 0, -1 / Math.SQRT2],
  [1 / Math.sqrt(6), -2 / Math.sqrt(6), 1 / Math.sqrt(6)],
];

export interface PatchShape {
  readonly channels: number;
  /** Pixels along one side. */
  readonly size: number;
  /** Features to make of a patch. */
  readonly features: number;
}

interface Wave {
  readonly colour: number;
  readonly down: number;
  readonly across: number;
  readonly gain: number;
}

/**
 * @returns [channels * size * size, features], row-major: the waves that need the least gain first; where there are fewer
 *   waves than features, the rest are small random numbers
 */
export function patchCosines({ channels, size, features }: PatchShape): Float32Array {
  const colours = channels === 3 ? OPPONENT : GREY;
  const waves = wavesOf(colours.length, size, channels).slice(0, features);
  const inputs = channels * size * size;
  const weights = new Float32Array(inputs * features);
  const stream = randomStream(randomKey('initialisation', inputs, features));
  for (let input = 0; input < inputs; input++) {
    const channel = Math.floor(input / (size * size));
    const [row, column] = [Math.floor(input / size) % size, input % size];
    for (let feature = 0; feature < features; feature++) {
      const wave = waves[feature];
      weights[input * features + feature] =
        wave === undefined
          ? stream.nextNormal() / Math.sqrt(inputs)
          : wave.gain *
            colours[wave.colour]![channel]! *
            cosine(wave.down, row, size) *
            cosine(wave.across, column, size);
    }
  }
  return weights;
}

/** Every wave of a patch, by gain. */
function wavesOf(colours: number, size: number, channels: number): Wave[] {
  const places = Array.from({ length: size * size }, (_, index) => [Math.floor(index / size), index % size] as const);
  return Array.from({ length: colours }, (_, colour) =>
    places.map(([down, across]): Wave => {
      const gain =
        ((1 + down ** 2 + across ** 2) ** FALL * COLOUR_FACTORS[colour]!) / (size * Math.sqrt(channels) * MEAN_SHARE);
      return { colour, down, across, gain: Math.min(gain, MOST_GAIN) };
    }),
  )
    .flat()
    .sort(
      (a, b) => a.gain - b.gain || a.colour - b.colour || a.down + a.across - (b.down + b.across) || a.down - b.down,
    );
}

/** The orthonormal DCT-II. */
function cosine(frequency: number, place: number, size: number): number {
  const norm = Math.sqrt((frequency === 0 ? 1 : 2) / size);
  return norm * Math.cos((Math.PI * (place + 0.5) * frequency) / size);
}
