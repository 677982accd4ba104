/** Encodes .npy files by hand, independently of the decoder under test. */

export interface NpyOptions {
  readonly type?: string;
  readonly order?: 'True' | 'False';
  readonly version?: 1 | 2;
}

/** A .npy file with the given shape and raw content. */
export function encodeNpy(
  shape: readonly number[],
  content: Uint8Array,
  { type = '|u1', order = 'False', version = 1 }: NpyOptions = {},
): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const prefix = version === 1 ? 10 : 12;
  const header = `${text.padEnd(Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const start = Buffer.alloc(prefix);
  start.write('\x93NUMPY', 'latin1');
  start[6] = version;
  if (version === 1) start.writeUInt16LE(header.length, 8);
  else start.writeUInt32LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), content]);
}
