/**
 * A sample is a record of named tensors of fixed shape: an image and a label, say, or two images and three numbers. Many
 * samples lie field by field: all values of the first field, then all of the second. So they travel, and so they are read.
 */
import { TrainingError } from '../errors.js';
import type { ImageShape } from '../image-shape.js';

export const FIELD_TYPES = ['uint8', 'int32', 'float32'] as const;
/** How the numbers of a field are stored. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** One field of every sample. */
export interface SampleField {
  /** Of one sample; [] for a single number. */
  readonly shape: readonly number[];
  readonly type: FieldType;
}

/** The fields of a sample by name, in the order in which they travel. */
export type SampleFields = Readonly<Record<string, SampleField>>;

/** The numbers of a field, of one sample or of several, one after another. */
export type FieldValues = Uint8Array | Int32Array | Float32Array;

/** Some samples. */
export interface SampleBatch {
  /** [count] */
  readonly ids: Uint32Array;
  /** [count, ...shape] each, by the name of the field. */
  readonly fields: Readonly<Record<string, FieldValues>>;
}

const ARRAYS = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array } as const;

/** Numbers in one sample of a field. */
export function fieldLength({ shape }: SampleField): number {
  return shape.reduce((product, size) => product * size, 1);
}

function fieldBytes(field: SampleField): number {
  return fieldLength(field) * ARRAYS[field.type].BYTES_PER_ELEMENT;
}

/** Bytes of one sample. */
export function sampleBytes(fields: SampleFields): number {
  return Object.values(fields).reduce((sum, field) => sum + fieldBytes(field), 0);
}

/** A field with no values in it yet, for so many samples. */
export function allocateField(field: SampleField, count: number): FieldValues {
  return new ARRAYS[field.type](count * fieldLength(field));
}

/**
 * Samples as bytes, little-endian: what a shard message carries. They are views, field after field, so that whoever joins them
 * copies them once.
 *
 * @returns parts of count * sampleBytes(fields) bytes together
 * @throws TrainingError DATASET_INVALID when a field is missing, or is not what the fields say.
 */
export function packSamples(fields: SampleFields, values: SampleBatch['fields'], count: number): Uint8Array[] {
  return Object.entries(fields).map(([name, field]) => {
    const { buffer, byteOffset, byteLength } = requireField(name, field, values[name], count);
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}

/**
 * Samples from bytes; the opposite of `packSamples`. Bytes are views where they can be, and copies else.
 *
 * @throws TrainingError SHARD_INVALID when the number of bytes is not that of so many samples.
 */
export function unpackSamples(fields: SampleFields, packed: Uint8Array, count: number): SampleBatch['fields'] {
  const expected = count * sampleBytes(fields);
  if (packed.length !== expected) {
    throw new TrainingError(
      'SHARD_INVALID',
      `${count} samples came in ${packed.length} bytes, expected ${expected}: ${describeFields(fields)}`,
    );
  }
  let at = 0;
  const unpack = (field: SampleField): FieldValues => {
    const bytes = packed.subarray(at, (at += count * fieldBytes(field)));
    if (field.type === 'uint8') return bytes;
    // A copy, so that it is aligned; the `slice` of a Buffer would be none.
    const { buffer } = new Uint8Array(bytes);
    return new ARRAYS[field.type](buffer, 0, count * fieldLength(field));
  };
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, unpack(field)]));
}

/** The fields of a dataset of images: `label` and `image` [height, width, channels], bytes both. */
export function imageFields({ height, width, channels }: ImageShape): SampleFields {
  return { label: { shape: [], type: 'uint8' }, image: { shape: [height, width, channels], type: 'uint8' } };
}

/** The size of the images of samples with a field `image` of bytes [height, width, channels]; undefined for others. */
export function imageShapeOf({ image }: SampleFields): ImageShape | undefined {
  if (image?.type !== 'uint8' || image.shape.length !== 3) return undefined;
  const [height, width, channels] = image.shape as [number, number, number];
  return { height, width, channels };
}

/** A field in words: `uint8 [28, 28, 1]`. */
export function describeField({ type, shape }: SampleField): string {
  return `${type} [${shape.join(', ')}]`;
}

/** Fields in words: `image uint8 [28, 28, 1], label uint8 []`. */
export function describeFields(fields: SampleFields): string {
  return Object.entries(fields)
    .map(([name, field]) => `${name} ${describeField(field)}`)
    .join(', ');
}

/** Whether these are the numbers of a type. */
export function isOfType(values: unknown, type: FieldType): values is FieldValues {
  return values instanceof ARRAYS[type];
}

/**
 * The values of a field, after a look at their type and number.
 *
 * @throws TrainingError DATASET_INVALID
 */
function requireField(name: string, field: SampleField, values: FieldValues | undefined, count: number): FieldValues {
  const length = count * fieldLength(field);
  if (isOfType(values, field.type) && values.length === length) return values;
  const actual = values === undefined ? 'nothing' : `${values.constructor.name} of ${values.length}`;
  throw new TrainingError(
    'DATASET_INVALID',
    `the field ${name} of ${count} samples is ${actual}, expected ${ARRAYS[field.type].name} of ${length}: ${describeField(field)} a sample`,
  );
}
