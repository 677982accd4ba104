/**
 * The frames of a TFRecord file: the length as a 64-bit number, its checksum, the content, its checksum. A checksum is a
 * CRC-32C (Castagnoli), rotated and shifted, so that a record may hold records.
 */

const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;
const CASTAGNOLI = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

/** CRC-32C of some bytes; an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A record with its frame. */
export function framedRecord(content: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(HEADER_BYTES + content.byteLength + FOOTER_BYTES);
  framed.writeBigUInt64LE(BigInt(content.byteLength));
  framed.writeUInt32LE(masked(framed.subarray(0, 8)), 8);
  framed.set(content, HEADER_BYTES);
  framed.writeUInt32LE(masked(content), HEADER_BYTES + content.byteLength);
  return framed;
}

/**
 * Takes whole records from bytes that are read piece by piece. It ends at the first record that is damaged, as TensorBoard
 * does.
 */
export class RecordReader {
  readonly #onRecord: (content: Uint8Array) => void;
  readonly #mostBytes: number;
  #rest: Buffer = Buffer.alloc(0);
  #isDamaged = false;

  /** @param mostBytes a longer record is damage */
  constructor(onRecord: (content: Uint8Array) => void, mostBytes: number) {
    this.#onRecord = onRecord;
    this.#mostBytes = mostBytes;
  }

  /** Returns whether further bytes can hold further records. */
  push(bytes: Uint8Array): boolean {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (!this.#isDamaged && this.#rest.byteLength - at >= HEADER_BYTES) {
      const length = Number(this.#rest.readBigUInt64LE(at));
      const isSound =
        this.#rest.readUInt32LE(at + 8) === masked(this.#rest.subarray(at, at + 8)) && length <= this.#mostBytes;
      const end = at + HEADER_BYTES + length;
      if (isSound && this.#rest.byteLength < end + FOOTER_BYTES) break;
      const content = this.#rest.subarray(at + HEADER_BYTES, end);
      this.#isDamaged = !isSound || this.#rest.readUInt32LE(end) !== masked(content);
      if (!this.#isDamaged) this.#onRecord(content);
      at = end + FOOTER_BYTES;
    }
    this.#rest = this.#isDamaged ? Buffer.alloc(0) : this.#rest.subarray(at);
    return !this.#isDamaged;
  }
}

function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + MASK_DELTA) % 2 ** 32;
}
