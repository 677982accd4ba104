/**
 * Files in, answers out: images for a model that takes one image, a table for one that was trained on a table. One bad image is
 * an entry with its reason and keeps no other from its answer.
 */
import { decodeImage, listImageFiles, readRows, type ImageFile } from '@facet/datasets';
import { imageShapeOf, TrainingError, type ImageShape, type SampleFields, type TableFacts } from '@facet/shared';
import { answersBySample, type SampleAnswer } from './answers.js';
import type { LoadedModel } from './loaded-model.js';

export type FileAnswer =
  | { readonly file: string; readonly ok: true; readonly answer: SampleAnswer }
  | { readonly file: string; readonly ok: false; readonly error: TrainingError };

/** Decoded images that wait for their answer at the same time. */
const AT_A_TIME = 64;

/** The size of the images of a model that takes one image and nothing else. */
export function imageOf(fields: SampleFields): (ImageShape & { readonly field: string }) | undefined {
  const [first, ...others] = Object.entries(fields);
  if (first === undefined || others.length > 0) return undefined;
  const [field, image] = first;
  const shape = imageShapeOf({ image });
  return shape === undefined || (shape.channels !== 1 && shape.channels !== 3) ? undefined : { ...shape, field };
}

/**
 * An image file as the field of a sample: upright, scaled to cover the size, what stands out is cut off.
 *
 * @throws TrainingError IMAGE_INVALID when it cannot be decoded.
 */
export async function readImage(file: string, { height, width, channels }: ImageShape): Promise<Uint8Array> {
  const decoded = await decodeImage(file, { size: { height, width }, channels: channels === 1 ? 1 : 3 });
  if (decoded.ok) return decoded.pixels;
  throw new TrainingError('IMAGE_INVALID', `${file} cannot be decoded: ${decoded.reason}; expected an image file`);
}

/**
 * The answers to image files, in the order of the paths; a folder stands for the images in it.
 *
 * @throws TrainingError DATASET_INVALID when the model takes something else than one image.
 */
export async function predictImageFiles(model: LoadedModel, paths: readonly string[]): Promise<FileAnswer[]> {
  const image = imageOf(model.fields);
  if (image === undefined) {
    throw new TrainingError('DATASET_INVALID', `the task ${model.task} takes no single image; use loadModel`);
  }
  const files = await listImageFiles(paths);
  const answers: FileAnswer[] = [];
  for (let start = 0; start < files.length; start += AT_A_TIME) {
    const attempts = await Promise.all(files.slice(start, start + AT_A_TIME).map((file) => attempt(file, image)));
    const ready = attempts.filter((one) => 'pixels' in one);
    const size = image.height * image.width * image.channels;
    const stacked = new Uint8Array(ready.length * size);
    ready.forEach(({ pixels }, at) => {
      stacked.set(pixels, at * size);
    });
    const given = answersBySample(model, await model.predict({ [image.field]: stacked }, ready.length), ready.length);
    for (const one of attempts) {
      if ('pixels' in one) answers.push({ file: one.file, ok: true, answer: given[ready.indexOf(one)]! });
      else answers.push(one);
    }
  }
  return answers;
}

type Attempt = { readonly file: string; readonly pixels: Uint8Array } | Extract<FileAnswer, { ok: false }>;

async function attempt(found: ImageFile, image: ImageShape): Promise<Attempt> {
  if (!found.ok) return found;
  const { file } = found;
  try {
    return { file, pixels: await readImage(file, image) };
  } catch (caught) {
    return { file, ok: false, error: TrainingError.from(caught) };
  }
}

/**
 * The answers to the rows of a table.
 *
 * @throws TrainingError as `readRows`.
 */
export async function predictTable(model: LoadedModel, table: TableFacts, file: string): Promise<SampleAnswer[]> {
  const { rows, features } = await readRows(file, table);
  return answersBySample(model, await model.predict({ features }, rows), rows);
}
