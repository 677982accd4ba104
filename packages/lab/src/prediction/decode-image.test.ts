import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, MAX_SIDE } from './decode-image.js';

/** A picture of two halves: the left red, the right blue. */
function halves(width = 8, height = 4) {
  const half = { width: width / 2, height, channels: 3 as const };
  return sharp({ create: { width, height, channels: 3, background: 'blue' } }).composite([
    { input: { create: { ...half, background: 'red' } }, left: 0, top: 0 },
  ]);
}

async function pixelsOf(bytes: Uint8Array) {
  const { picture, width, height } = await decodeImage('some.file', bytes);
  const at = (x: number, y: number): number[] => {
    const start = 4 * (y * picture.width + x);
    return [...picture.rgba.subarray(start, start + 4)];
  };
  return { width, height, picture, at };
}

describe('decodeImage', () => {
  it('reads a PNG exactly', async () => {
    const { width, height, at } = await pixelsOf(await halves().png().toBuffer());
    expect([width, height]).toEqual([8, 4]);
    expect([at(0, 0), at(3, 3), at(4, 0)]).toEqual([
      [255, 0, 0, 255],
      [255, 0, 0, 255],
      [0, 0, 255, 255],
    ]);
  });

  it('keeps opacity', async () => {
    const background = { r: 10, g: 20, b: 30, alpha: 0.4 };
    const bytes = await sharp({ create: { width: 2, height: 2, channels: 4, background } })
      .png()
      .toBuffer();
    expect((await pixelsOf(bytes)).at(1, 1)).toEqual([10, 20, 30, 102]);
  });

  it('turns a JPEG upright as its EXIF data say', async () => {
    // Orientation 6: the camera was turned, so the picture must be turned to the right; red on the left comes to the top.
    const bytes = await halves(32, 16)
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { width, height, at } = await pixelsOf(bytes);
    expect([width, height]).toEqual([16, 32]);
    expect(at(8, 4)[0]).toBeGreaterThan(240);
    expect(at(8, 28)[2]).toBeGreaterThan(240);
  });

  it('reads grey, 16-bit and CMYK files as eight-bit colours', async () => {
    const grey = halves().greyscale();
    expect((await pixelsOf(await grey.clone().png().toBuffer())).at(0, 0)).toHaveLength(4);
    const deep = await halves().toColourspace('rgb16').png().toBuffer();
    expect((await pixelsOf(deep)).at(0, 0)).toEqual([255, 0, 0, 255]);
    const printed = await halves(32, 16).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    const [red, green, blue] = (await pixelsOf(printed)).at(4, 4) as [number, number, number, number];
    expect(red).toBeGreaterThan(Math.max(green, blue) + 100);
  });

  it('reduces a large picture and still tells its size', async () => {
    const bytes = await halves(3_000, 20).png().toBuffer();
    const { width, height, picture } = await pixelsOf(bytes);
    expect([width, height, picture.width]).toEqual([3_000, 20, MAX_SIDE]);
  });

  it.each<[string, () => Promise<Uint8Array>, string]>([
    ['an empty file', async () => new Uint8Array(), 'some.file: the file is empty, expected a PNG or JPEG image'],
    ['text', async () => Buffer.from('hello'), 'some.file: the file is not an image, expected a PNG or JPEG image'],
    ['a GIF', () => halves().gif().toBuffer(), 'some.file: the file is GIF, expected a PNG or JPEG image'],
    ['a WebP', () => halves().webp().toBuffer(), 'some.file: the file is WebP, expected a PNG or JPEG image'],
    [
      'a PNG that was cut off',
      async () => (await halves(400, 400).png().toBuffer()).subarray(0, 300),
      'some.file: it begins as PNG but cannot be decoded: ',
    ],
    [
      'a JPEG that is only a beginning',
      async () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0),
      'some.file: it begins as JPEG but cannot be decoded: ',
    ],
  ])('refuses %s and names it', async (_, bytes, message) => {
    await expect(decodeImage('some.file', await bytes())).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
