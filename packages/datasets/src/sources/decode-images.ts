/**
 * From image files to bytes of one size: upright as their EXIF data say, eight bits, cut to the size so that the middle
 * remains. Several files are decoded at a time; the results come in the order of the files.
 */
import { TrainingError } from '@facet/shared';
import type sharp from 'sharp';
import type { Sharp } from 'sharp';

/** What an image becomes. */
export interface ImageForm {
  /** Undefined: the size that all images have. */
  readonly size: { readonly height: number; readonly width: number } | undefined;
  readonly channels: 1 | 3;
}

/** A decoded image, or why it could not be decoded. */
export type Decoded =
  | { readonly ok: true; readonly height: number; readonly width: number; readonly pixels: Uint8Array }
  | { readonly ok: false; readonly reason: string };

type Decoder = (file: string) => Sharp;

const AT_A_TIME = 16;
/** More pixels than any camera has; a smaller file that claims more is an attack. */
const MAX_PIXELS = 400_000_000;

/** The decoder's own versions: another one may round differently. */
export async function decoderVersion(): Promise<string> {
  const { versions } = await loadSharp();
  return `sharp ${versions.sharp ?? '?'}, libvips ${versions.vips}`;
}

/** Decodes files in their order, a few ahead of what is consumed. */
export async function* decodeImages(files: readonly string[], form: ImageForm): AsyncGenerator<Decoded> {
  const load = await loadSharp();
  const open: Decoder = (file) => load(file, { failOn: 'error', limitInputPixels: MAX_PIXELS });
  for (let first = 0; first < files.length; first += AT_A_TIME) {
    const some = files.slice(first, first + AT_A_TIME);
    yield* await Promise.all(some.map((file) => decode(open, file, form)));
  }
}

/** Decodes one file. */
export async function decodeImage(file: string, form: ImageForm): Promise<Decoded> {
  const load = await loadSharp();
  return decode((each) => load(each, { failOn: 'error', limitInputPixels: MAX_PIXELS }), file, form);
}

async function decode(open: Decoder, file: string, { size, channels }: ImageForm): Promise<Decoded> {
  try {
    const upright = open(file).autoOrient();
    const { data, info } = await (size === undefined ? upright : upright.resize({ ...size, fit: 'cover' }))
      .flatten()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { height, width } = info;
    if (info.channels !== channels) return { ok: false, reason: `it has ${info.channels} channels, not ${channels}` };
    return { ok: true, height, width, pixels: data };
  } catch (caught) {
    return { ok: false, reason: caught instanceof Error ? caught.message.split('\n')[0]! : String(caught) };
  }
}

/** Only where images are decoded: a worker whose cache is filled must not load the library. */
async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const fault =
      "the npm package sharp cannot be loaded, expected it with its platform's binary; run `npm install` again";
    throw new TrainingError('DATASET_UNAVAILABLE', fault, { cause });
  }
}
