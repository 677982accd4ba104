/**
 * From the bytes of a PNG or JPEG file to a picture: upright as its EXIF data say, in sRGB, eight bits, at most MAX_SIDE
 * pixels along a side. What a file is, its first bytes say, never its name. What a model needs of it is prepare-image's
 * business.
 */
import type { Metadata } from 'sharp';
import { TrainingError } from '@facet/shared';
import type { Picture } from './picture.js';

/** Larger pictures are reduced while they are decoded, so that a panorama costs no gigabyte. */
export const MAX_SIDE = 1_024;
/** More pixels than any camera has; a smaller file that claims more is an attack. */
const MAX_PIXELS = 400_000_000;

export interface DecodedImage {
  readonly picture: Picture;
  /** Size of the file's picture, upright. */
  readonly width: number;
  readonly height: number;
}

interface Signature {
  readonly format: string;
  /** The first bytes; undefined matches any. */
  readonly bytes: readonly (number | undefined)[];
}

const text = (characters: string): number[] => [...characters].map((character) => character.charCodeAt(0));

const ACCEPTED: readonly Signature[] = [
  { format: 'PNG', bytes: [0x89, ...text('PNG\r\n'), 0x1a, 0x0a] },
  { format: 'JPEG', bytes: [0xff, 0xd8, 0xff] },
];

/** Formats that people mistake for the accepted ones, to be named in the message. */
const REFUSED: readonly Signature[] = [
  { format: 'GIF', bytes: text('GIF8') },
  { format: 'BMP', bytes: text('BM') },
  { format: 'WebP', bytes: [...text('RIFF'), undefined, undefined, undefined, undefined, ...text('WEBP')] },
  { format: 'TIFF', bytes: [...text('II'), 0x2a, 0] },
  { format: 'TIFF', bytes: [...text('MM'), 0, 0x2a] },
  { format: 'HEIF or AVIF', bytes: [undefined, undefined, undefined, undefined, ...text('ftyp')] },
  { format: 'PDF', bytes: text('%PDF') },
  { format: 'SVG or XML', bytes: text('<?xml') },
  { format: 'SVG', bytes: text('<svg') },
];

/**
 * Decodes one file.
 *
 * @param file the file's name, for the message
 * @throws TrainingError IMAGE_INVALID when the file is empty, of another format, or damaged.
 */
export async function decodeImage(file: string, bytes: Uint8Array): Promise<DecodedImage> {
  requireFormat(file, bytes);
  // A training worker never decodes a file, and must not load the library.
  const { default: sharp } = await import('sharp');
  try {
    const { autoOrient }: Metadata = await sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata();
    const { data, info } = await sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
      .autoOrient()
      .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { picture: { width: info.width, height: info.height, rgba: data }, ...autoOrient };
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message.split('\n')[0]! : String(caught);
    throw new TrainingError(
      'IMAGE_INVALID',
      `${file}: it begins as ${formatOf(bytes)} but cannot be decoded: ${reason}; expected a whole PNG or JPEG file`,
      { cause: caught },
    );
  }
}

function requireFormat(file: string, bytes: Uint8Array): void {
  if (ACCEPTED.some((signature) => matches(bytes, signature))) return;
  const fault = bytes.length === 0 ? 'the file is empty' : `the file is ${formatOf(bytes)}`;
  throw new TrainingError('IMAGE_INVALID', `${file}: ${fault}, expected a PNG or JPEG image`);
}

function formatOf(bytes: Uint8Array): string {
  return [...ACCEPTED, ...REFUSED].find((signature) => matches(bytes, signature))?.format ?? 'not an image';
}

function matches(bytes: Uint8Array, { bytes: expected }: Signature): boolean {
  return bytes.length >= expected.length && expected.every((byte, i) => byte === undefined || byte === bytes[i]);
}
