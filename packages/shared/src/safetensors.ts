/**
 * The safetensors format (Hugging Face): an 8-byte little-endian header length, a JSON header padded with spaces to 8
 * bytes, then the tensors' little-endian values without a hole. A file is believed only after every length, offset and
 * shape in it was checked. Three of the format's types are known here; memory order is that of a little-endian machine.
 */
import { z } from 'zod';
import { TrainingError } from './errors.js';

const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
/** A tenth of what the reference implementation allows: it would be the names of 100,000 parameters. */
const MAX_HEADER_BYTES = 10_000_000;
const MAX_DIMENSIONS = 8;
const METADATA_NAME = '__metadata__';
const OPENING_BRACE = 0x7b;

const BYTES_PER_VALUE = { F32: 4, I32: 4, U8: 1 } as const;
type Dtype = keyof typeof BYTES_PER_VALUE;

/** The values of a tensor in row-major order; their array type is the tensor's dtype: F32, I32 or U8. */
export type TensorValues = Float32Array | Int32Array | Uint8Array;

/** A tensor; an empty shape is a scalar. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: TensorValues;
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const tensorEntry = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()).max(MAX_DIMENSIONS),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * Writes tensors in the order of the map, except that 4-byte types come before U8 so that every value stays aligned.
 *
 * @throws TrainingError CHECKPOINT_INVALID when a tensor has not as many values as its shape says, or a reserved name.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const ordered = [...tensors].sort(([, a], [, b]) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT);
  // Members are joined by hand: an object would move names that look like integers to the front.
  const members = Object.keys(metadata).length === 0 ? [] : [`"${METADATA_NAME}":${JSON.stringify(metadata)}`];
  let dataBytes = 0;
  for (const [name, { shape, values }] of ordered) {
    if (name === METADATA_NAME) throw invalid(`a tensor is named "${name}", which the format keeps for its metadata`);
    if (values.length !== elementCount(shape)) {
      throw invalid(
        `tensor "${name}" has ${values.length} values, its shape [${shape.join(', ')}] says ${elementCount(shape)}`,
      );
    }
    const entry = { dtype: dtypeOf(values), shape, data_offsets: [dataBytes, dataBytes + values.byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    dataBytes += values.byteLength;
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerBytes = Math.ceil(json.byteLength / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES)
    throw invalid(`the header has ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} are allowed`);

  const file = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(json, LENGTH_BYTES);
  let offset = LENGTH_BYTES + headerBytes;
  file.fill(0x20, LENGTH_BYTES + json.byteLength, offset);
  for (const [, { values }] of ordered) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return file;
}

/**
 * Reads and checks a whole file. Values are views of `bytes` where the alignment permits and copies elsewhere, so the
 * caller neither changes nor reuses `bytes` afterwards.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the tensor, with the actual and the expected value.
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const headerBytes = readHeaderLength(bytes);
  const data = bytes.subarray(LENGTH_BYTES + headerBytes);
  const { metadata, entries } = readHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes));

  const located = entries.map(([name, entry]) => locateTensor(name, entry));
  located.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, Tensor>();
  let expectedBegin = 0;
  for (const { name, dtype, shape, begin, end } of located) {
    if (begin !== expectedBegin) {
      const fault = begin > expectedBegin ? 'leaves a hole' : 'overlaps the tensor before it';
      throw invalid(`tensor "${name}" begins at byte ${begin}, expected ${expectedBegin}: it ${fault}`);
    }
    if (end > data.byteLength) {
      throw invalid(
        `tensor "${name}" ends at byte ${end}, but the file has ${data.byteLength} bytes of data: it is cut short`,
      );
    }
    tensors.set(name, { shape, values: readValues(dtype, data.subarray(begin, end)) });
    expectedBegin = end;
  }
  if (expectedBegin !== data.byteLength) {
    throw invalid(`its tensors cover ${expectedBegin} bytes, but the file has ${data.byteLength} bytes of data`);
  }
  return { tensors, metadata };
}

function readHeaderLength(bytes: Uint8Array): number {
  if (bytes.byteLength < LENGTH_BYTES)
    throw invalid(`it has ${bytes.byteLength} bytes, expected at least ${LENGTH_BYTES}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const available = Math.min(bytes.byteLength - LENGTH_BYTES, MAX_HEADER_BYTES);
  if (length > BigInt(available))
    throw invalid(`its header length is ${length} bytes, at most ${available} are possible`);
  return Number(length);
}

interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly (readonly [name: string, entry: unknown])[];
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes[0] !== OPENING_BRACE) throw invalid('its header does not begin with "{"');
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (caught) {
    throw invalid('its header is not JSON', { cause: caught });
  }
  const { [METADATA_NAME]: metadata = {}, ...entries } = json;
  if (!isStringMap(metadata)) throw invalid(`its ${METADATA_NAME} is not a map of strings`);
  return { metadata, entries: Object.entries(entries) };
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((member) => typeof member === 'string');
}

interface LocatedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

function locateTensor(name: string, raw: unknown): LocatedTensor {
  const entry = tensorEntry.safeParse(raw);
  if (!entry.success) throw invalid(`tensor "${name}" has a malformed entry: ${describe(entry.error)}`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = entry.data;
  if (!isDtype(dtype))
    throw invalid(`tensor "${name}" has dtype "${dtype}", expected one of ${Object.keys(BYTES_PER_VALUE).join(', ')}`);
  const expectedBytes = elementCount(shape) * BYTES_PER_VALUE[dtype];
  if (end - begin !== expectedBytes) {
    throw invalid(
      `tensor "${name}" has ${end - begin} bytes, its shape [${shape.join(', ')}] of ${dtype} says ${expectedBytes}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(BYTES_PER_VALUE, text);
}

function dtypeOf(values: TensorValues): Dtype {
  if (values instanceof Float32Array) return 'F32';
  return values instanceof Int32Array ? 'I32' : 'U8';
}

function readValues(dtype: Dtype, bytes: Uint8Array): TensorValues {
  // A Buffer would share its pool when sliced; this copy never does.
  const { buffer, byteOffset } = bytes.byteOffset % BYTES_PER_VALUE[dtype] === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.byteLength / BYTES_PER_VALUE[dtype];
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, length);
    case 'I32':
      return new Int32Array(buffer, byteOffset, length);
    case 'U8':
      return new Uint8Array(buffer, byteOffset, length);
  }
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'entry'}: ${issue.message}`).join('; ');
}

function invalid(fault: string, options?: ErrorOptions): TrainingError {
  return new TrainingError(
    'CHECKPOINT_INVALID',
    `not a sound safetensors file: ${fault}; use another copy of the file`,
    options,
  );
}
