/**
 * As much of the protobuf wire format as event files need (protobuf.dev/programming-guides/encoding): fields are written in
 * the order of the calls, and a reader finds the fields of one message. Ten messages do not need a library.
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A message that is being written. Field numbers are those of the .proto files of TensorBoard. */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];

  /** A whole number from 0 to 2^53, or an enum. Zero is what a reader takes where there is nothing. */
  varint(field: number, value: number): this {
    return value === 0 ? this : this.chosenVarint(field, value);
  }

  /** A double; zero as in `varint`. */
  double(field: number, value: number): this {
    return Object.is(value, 0) ? this : this.chosenDouble(field, value);
  }

  /** A member of a `oneof`, which says by being there which one it is. */
  chosenVarint(field: number, value: number): this {
    return this.#tag(field, VARINT).#push(varint(value));
  }

  chosenDouble(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return this.#tag(field, FIXED64).#push(bytes);
  }

  /** A float in a `oneof`. */
  chosenFloat(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return this.#tag(field, FIXED32).#push(bytes);
  }

  /** A repeated double, packed. */
  doubles(field: number, values: readonly number[]): this {
    const bytes = Buffer.alloc(8 * values.length);
    values.forEach((value, index) => bytes.writeDoubleLE(value, 8 * index));
    return this.bytes(field, bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, BYTES).#push(varint(value.byteLength)).#push(value);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #tag(field: number, wireType: number): this {
    return this.#push(varint(field * 8 + wireType));
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }
}

/** A field of a message that was read: a number for a varint, bytes for everything else. */
export interface ProtoField {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message, in order. @throws RangeError when it is cut short or has a wire type that is not known */
export function protoFields(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (at + length > message.byteLength) throw new RangeError('the message is cut short');
    at += length;
    return message.subarray(at - length, at);
  };
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const [byte = 0] = take(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.byteLength) {
    const tag = readVarint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        fields.push({ field, value: readVarint() });
        break;
      case FIXED64:
        fields.push({ field, value: take(8) });
        break;
      case BYTES:
        fields.push({ field, value: take(readVarint()) });
        break;
      case FIXED32:
        fields.push({ field, value: take(4) });
        break;
      default:
        throw new RangeError(`wire type ${tag % 8} is not known`);
    }
  }
  return fields;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80);
  return Uint8Array.from([...bytes, rest]);
}
