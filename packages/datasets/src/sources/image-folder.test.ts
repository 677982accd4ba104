import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import { describeSource } from '../../test/source-contract.js';
import type { ImageProgress } from './image-cache.js';
import { imageFolder, type ImageFolderOptions } from './image-folder.js';
import type { SampleSource } from './sample-source.js';

type Colour = readonly [red: number, green: number, blue: number];

const silent = (): void => undefined;

/** A picture with a colour for every pixel, encoded by pngjs and not by the library that decodes it. */
function png(height: number, width: number, colourAt: (row: number, column: number) => Colour): Buffer {
  const picture = new PNG({ width, height });
  for (let i = 0; i < height * width; i++) {
    picture.data.set([...colourAt(Math.floor(i / width), i % width), 255], i * 4);
  }
  return PNG.sync.write(picture);
}

const plain = (colour: Colour, side = 4): Buffer => png(side, side, () => colour);

async function writeImages(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** A folder `pictures`, opened with a cache beside it. */
async function opened(
  folder: string,
  files: Record<string, Uint8Array>,
  options: Partial<ImageFolderOptions> = {},
): Promise<SampleSource> {
  await writeImages(join(folder, 'pictures'), files);
  return imageFolder({
    folder: join(folder, 'pictures'),
    cacheFolder: join(folder, 'cache'),
    onProgress: silent,
    ...options,
  });
}

const idsOf = (source: SampleSource, split: 'train' | 'test'): number[] =>
  Array.from({ length: source.length(split) }, (_, id) => id);

const catsAndDogs = (last: Colour): Record<string, Buffer> => ({
  'train/cat/1.png': plain([10, 20, 30]),
  'train/cat/2.PNG': plain([11, 20, 30]),
  'train/dog/1.png': plain([200, 20, 30]),
  'train/dog/deeper/3.png': plain([201, 20, 30]),
  'train/dog/notes.txt': Buffer.from('not an image'),
  'train/.DS_Store': Buffer.from('nor this'),
  'test/dog/9.png': plain(last),
});

describeSource('a folder of images with a test split', {
  make: (folder, content) => opened(folder, catsAndDogs(content === 'usual' ? [1, 2, 3] : [1, 2, 4])),
});

describeSource('a folder of images that is shared out', {
  make: (folder, content) => {
    const files = Array.from({ length: 30 }, (_, i): [string, Buffer] => [
      `${i % 2 === 0 ? 'even' : 'odd'}/${i}.png`,
      plain([i, i === 20 && content === 'other' ? 1 : 0, 0]),
    ]);
    return opened(folder, Object.fromEntries(files), { testShare: 0.2, size: { height: 3, width: 2 } });
  },
});

describe('a folder of images', () => {
  it('is read as pngjs reads it, in the order of the paths, with the folders as classes', async () => {
    const folder = await temporaryFolder();
    const noisy = png(5, 7, (row, column) => [row * 50, column * 36, (row * column * 7) % 256]);
    const source = await opened(folder, {
      'train/b/2.png': png(5, 7, () => [9, 9, 9]),
      'train/b/10.png': noisy,
      'train/a/x.png': png(5, 7, () => [1, 2, 3]),
      'test/b/1.png': noisy,
    });
    expect(source.classes).toEqual(['a', 'b']);
    expect(source.fields).toEqual({
      image: { shape: [5, 7, 3], type: 'uint8' },
      label: { shape: [], type: 'int32' },
    });
    const { image, label } = await source.read('train', [0, 1, 2]);
    expect([...label!]).toEqual([0, 1, 1]);
    const rgb = [...PNG.sync.read(noisy).data].filter((_, i) => i % 4 !== 3);
    expect([...image!.subarray(5 * 7 * 3, 2 * 5 * 7 * 3)]).toEqual(rgb);
    expect([...(await source.read('test', [0]))['image']!]).toEqual(rgb);
  });

  it('keeps the middle of an image of another shape, and scales it', async () => {
    const folder = await temporaryFolder();
    // Green, with red on the left and blue on the right: 4 high and 12 wide, of which the middle 8 remain.
    const wide = png(4, 12, (_, column) => (column < 2 ? [255, 0, 0] : column >= 10 ? [0, 0, 255] : [0, 128, 0]));
    const tall = png(12, 4, (row) => (row < 5 || row >= 7 ? [255, 0, 0] : [0, 128, 0]));
    const source = await opened(
      folder,
      { 'train/a/wide.png': wide, 'train/b/tall.png': tall, 'test/a/wide.png': wide },
      { size: { height: 2, width: 4 } },
    );
    const { image } = await source.read('train', [0, 1]);
    expect(source.fields['image']!.shape).toEqual([2, 4, 3]);
    // The filter that scales sees a little of the neighbours. Squeezed instead of cut, the outer pixels were mostly red or blue.
    for (let pixel = 0; pixel < 16; pixel++) {
      const [red, green, blue] = image!.subarray(pixel * 3, pixel * 3 + 3);
      expect([red! < 30, green! > 100, blue! < 30]).toEqual([true, true, true]);
    }
  });

  it('is turned upright, and JPEG and WebP are read like PNG', async () => {
    const folder = await temporaryFolder();
    const sideways = sharp(plain([60, 120, 180], 16)).extend({ bottom: 16, background: '#fff' });
    const source = await opened(
      folder,
      {
        'a/1.jpg': await sharp(await sideways.png().toBuffer())
          .withMetadata({ orientation: 6 })
          .jpeg({ quality: 100 })
          .toBuffer(),
        'b/2.webp': await sharp(png(16, 32, () => [60, 120, 180]))
          .webp({ lossless: true })
          .toBuffer(),
      },
      { testShare: 0 },
    );
    expect(source.fields['image']!.shape).toEqual([16, 32, 3]);
    const { image } = await source.read('train', [0, 1]);
    const pixelAt = (sample: number, row: number, column: number): number[] => {
      const at = ((sample * 16 + row) * 32 + column) * 3;
      return [...image!.subarray(at, at + 3)];
    };
    // Orientation 6: what is stored at the bottom is on the left.
    expect(pixelAt(0, 8, 3)).toEqual([255, 255, 255]);
    for (const [i, value] of [60, 120, 180].entries()) expect(Math.abs(pixelAt(0, 8, 28)[i]! - value)).toBeLessThan(4);
    expect(pixelAt(1, 8, 3)).toEqual([60, 120, 180]);
  });

  it('is made grey, and what is transparent becomes black', async () => {
    const folder = await temporaryFolder();
    const half = new PNG({ width: 2, height: 1 });
    half.data.set([90, 90, 90, 255, 250, 250, 250, 0]);
    const source = await opened(
      folder,
      { 'a/1.png': PNG.sync.write(half), 'b/1.png': png(1, 2, () => [33, 33, 33]) },
      { colours: 'grey', testShare: 0 },
    );
    expect(source.fields['image']!.shape).toEqual([1, 2, 1]);
    expect([...(await source.read('train', [0, 1]))['image']!]).toEqual([90, 0, 33, 33]);
  });

  it('is shared out by the paths: images that are added move no other', async () => {
    const image = plain([1, 1, 1], 1);
    const files = (count: number): Record<string, Buffer> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i % 2 === 0 ? 'a' : 'b'}/${i}.png`, image]));
    const { listImages } = await import('./image-files.js');
    const folder = await temporaryFolder();
    await writeImages(folder, files(400));
    const before = (await listImages(folder, 0.1)).files;
    const ofTest = before.filter(({ split }) => split === 'test');
    expect(ofTest.length).toBeGreaterThan(20);
    expect(ofTest.length).toBeLessThan(60);
    await writeImages(folder, files(600));
    const after = new Map((await listImages(folder, 0.1)).files.map(({ path, split }) => [path, split]));
    expect(after.size).toBe(600);
    for (const { path, split } of before) expect(after.get(path)).toBe(split);
  });

  it('names every broken file, and leaves them out on demand', async () => {
    const folder = await temporaryFolder();
    const good = plain([5, 5, 5], 30);
    const files = {
      'train/a/good.png': good,
      'train/a/cut.png': good.subarray(0, 60),
      'train/b/good.png': plain([6, 6, 6], 30),
      'train/b/text.jpg': Buffer.from('hello'),
      'test/b/empty.webp': Buffer.alloc(0),
      'test/b/good.png': good,
    };
    await expect(opened(folder, files)).rejects.toThrow(
      /3 of the images cannot be decoded: train\/a\/cut\.png \(.+\), train\/b\/text\.jpg \(.+\), test\/b\/empty\.webp \(.+\); replace them, or set skipBroken/,
    );
    expect(await readdir(join(folder, 'cache', 'images'))).toEqual([]);
    const events: ImageProgress[] = [];
    const onProgress = (event: ImageProgress): void => void events.push(event);
    const source = await opened(folder, files, { skipBroken: true, onProgress });
    expect([source.length('train'), source.length('test')]).toEqual([2, 1]);
    const skipped = events.flatMap((event) => (event.kind === 'skipped' ? [event.file] : []));
    expect(skipped).toEqual(['train/a/cut.png', 'train/b/text.jpg', 'test/b/empty.webp']);
    expect(events.at(-1)).toEqual({ kind: 'decoding', doneFiles: 6, totalFiles: 6 });
    // From the cache they are named again, and nothing is decoded.
    events.length = 0;
    await opened(folder, {}, { skipBroken: true, onProgress });
    expect(events.map(({ kind }) => kind)).toEqual(['skipped', 'skipped', 'skipped']);
  });

  it.each<[string, Record<string, Uint8Array>, Partial<ImageFolderOptions>, string]>([
    [
      'one class',
      { 'cat/1.png': plain([1, 1, 1]) },
      {},
      "there is one class alone, 'cat', and nothing to tell it from",
    ],
    [
      'train and no test',
      { 'train/a/1.png': plain([1, 1, 1]), 'train/b/1.png': plain([1, 1, 1]) },
      {},
      'there is train and no test beside it, expected CLASS/*.png',
    ],
    ['no class', { '1.png': plain([1, 1, 1]) }, {}, 'there is no folder of a class, expected CLASS/*.png'],
    [
      'a class without images',
      { 'cat/1.png': plain([1, 1, 1]), 'dog/readme.md': Buffer.from('later') },
      {},
      "class 'dog' has no image, expected",
    ],
    [
      'a class in test alone',
      { ...catsAndDogs([1, 1, 1]), 'test/bird/1.png': plain([1, 1, 1]) },
      {},
      "test has the class 'bird', which train does not have",
    ],
    [
      'images of two sizes',
      { 'a/1.png': plain([1, 1, 1]), 'b/2.png': png(4, 5, () => [1, 1, 1]) },
      { testShare: 0 },
      'b/2.png has 5 x 4 pixels, expected 4 x 4 pixels as a/1.png; give a size: { height, width }',
    ],
    [
      'all images of a class broken',
      { 'a/1.png': plain([1, 1, 1]), 'b/2.png': Buffer.from('x') },
      { skipBroken: true, testShare: 0 },
      "class 'b' has no image to train on, expected one or more",
    ],
    ['a size that is none', catsAndDogs([1, 1, 1]), { size: { height: 0, width: 3 } }, 'the size is 3 x 0, expected'],
    ['a share that is none', catsAndDogs([1, 1, 1]), { testShare: 1 }, 'testShare is 1, expected a share'],
  ])('is refused with %s', async (_, files, options, problem) => {
    await expect(opened(await temporaryFolder(), files, options)).rejects.toThrow(problem);
  });

  it('that does not exist is refused with what is expected', async () => {
    await expect(imageFolder({ folder: '/nowhere/at/all' })).rejects.toThrow(
      '/nowhere/at/all does not exist, expected CLASS/*.png (or .jpg, .jpeg, .webp), or the same under train and test',
    );
  });
});

describe('the cache of a folder of images', () => {
  it('is used as long as no file changes, and made again when one does', async () => {
    const folder = await temporaryFolder();
    let decoded = 0;
    const onProgress = ({ kind }: ImageProgress): void => void (decoded += kind === 'decoding' ? 1 : 0);
    const first = await opened(folder, catsAndDogs([1, 2, 3]), { onProgress });
    expect(decoded).toBe(5);
    const again = await opened(folder, {}, { onProgress });
    expect([decoded, again.digest]).toEqual([5, first.digest]);
    // Another time: decoded again, to the same content.
    await utimes(join(folder, 'pictures', 'test/dog/9.png'), 1, 1);
    const touched = await opened(folder, {}, { onProgress });
    expect([decoded, touched.digest]).toEqual([10, first.digest]);
    // Another name moves no pixel, but another class does.
    await rm(join(folder, 'pictures', 'train/dog/1.png'));
    const fewer = await opened(folder, {}, { onProgress });
    expect(decoded).toBe(14);
    expect(fewer.digest).not.toBe(first.digest);
  });

  it.each(['pixels', 'index.json'])('is made again when its %s is damaged', async (name) => {
    const folder = await temporaryFolder();
    const { digest } = await opened(folder, catsAndDogs([1, 2, 3]));
    const [key] = await readdir(join(folder, 'cache', 'images'));
    const file = join(folder, 'cache', 'images', key!, name);
    const content = await readFile(file);
    content[10]! ^= 1;
    await writeFile(file, content);
    const mended = await opened(folder, {});
    expect(mended.digest).toBe(digest);
    expect([...(await mended.read('test', [0]))['image']!.subarray(0, 3)]).toEqual([1, 2, 3]);
  });

  it('is filled by one of two that open it at the same time, and both read on', async () => {
    const folder = await temporaryFolder();
    await writeImages(join(folder, 'pictures'), catsAndDogs([1, 2, 3]));
    let decoded = 0;
    const onProgress = ({ kind }: ImageProgress): void => void (decoded += kind === 'decoding' ? 1 : 0);
    const both = await Promise.all([opened(folder, {}, { onProgress }), opened(folder, {}, { onProgress })]);
    expect(decoded).toBe(5);
    for (const source of both) {
      for (const split of ['train', 'test'] as const) {
        expect(await source.read(split, idsOf(source, split))).toEqual(
          await both[0].read(split, idsOf(both[0], split)),
        );
      }
    }
    expect(await readdir(join(folder, 'cache', 'images'))).toHaveLength(1);
  });

  it('follows links, and names a link to nowhere', async () => {
    const folder = await temporaryFolder();
    await writeImages(folder, { 'store/1.png': plain([3, 3, 3]), 'store/2.png': plain([4, 4, 4]) });
    for (const name of ['a', 'b']) await mkdir(join(folder, 'pictures', name), { recursive: true });
    await symlink(join(folder, 'store/1.png'), join(folder, 'pictures/a/1.png'));
    await symlink(join(folder, 'store/2.png'), join(folder, 'pictures/b/2.png'));
    const source = await opened(folder, {}, { testShare: 0 });
    expect((await source.read('train', [1]))['image']![0]).toBe(4);
    await symlink(join(folder, 'gone.png'), join(folder, 'pictures/b/3.png'));
    await expect(opened(folder, {}, { testShare: 0 })).rejects.toThrow('1 of the images cannot be decoded: b/3.png (');
  });
});
