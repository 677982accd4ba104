/**
 * CRC-32 (the polynomial of zlib, PNG and Ethernet) for pure code that may not import node:zlib. It finds every damage
 * of up to 32 consecutive bits; it does not protect against intent: hash what must resist that.
 */

const REVERSED_POLYNOMIAL = 0xedb88320;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let remainder = index;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ REVERSED_POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/**
 * Equal to zlib's crc32: an unsigned 32-bit integer.
 *
 * @param previous the value of the bytes before these, to checksum a sequence of parts.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  return ~crc >>> 0;
}

/** The way a CRC-32 is written everywhere in Facet: 8 lower-case hex digits. */
export function formatCrc32(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
