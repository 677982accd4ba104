/**
 * TensorBoard's events as bytes. Field numbers are those of event.proto, summary.proto, tensor.proto, histogram.proto and the
 * HParams plugin's plugin_data.proto, which are the same in TensorFlow and in TensorBoard.
 */
import { ProtoWriter, protoFields } from './protobuf.js';
import type { Histogram } from './histogram.js';

/** When and at which step something was so. */
export interface EventPlace {
  readonly step: number;
  /** ISO time. */
  readonly at: string;
}

const DT_FLOAT = 1;
const DT_STRING = 7;
const HPARAMS_START = '_hparams_/session_start_info';
const HPARAMS_END = '_hparams_/session_end_info';
const STATUS_SUCCESS = 1;

/** The first event of every file. */
export function versionEvent(at: string): Uint8Array {
  return new ProtoWriter().double(1, secondsOf(at)).text(3, 'brain.Event:2').finish();
}

/** Scalars of one step. Values are 32-bit floats, as TensorBoard keeps them. */
export function scalarsEvent(
  place: EventPlace,
  scalars: readonly (readonly [tag: string, value: number])[],
): Uint8Array {
  return summaryEvent(
    place,
    scalars.map(([tag, value]) => new ProtoWriter().text(1, tag).chosenFloat(2, value)),
  );
}

/** Histograms of parameters, by tag. */
export function histogramsEvent(place: EventPlace, histograms: ReadonlyMap<string, Histogram>): Uint8Array {
  return summaryEvent(
    place,
    [...histograms].map(([tag, { min, max, count, sum, sumOfSquares, limits, counts }]) =>
      new ProtoWriter()
        .text(1, tag)
        .message(
          5,
          new ProtoWriter()
            .double(1, min)
            .double(2, max)
            .double(3, count)
            .double(4, sum)
            .double(5, sumOfSquares)
            .doubles(6, limits)
            .doubles(7, counts),
        ),
    ),
  );
}

/** A text in Markdown. */
export function textEvent(place: EventPlace, tag: string, text: string): Uint8Array {
  const tensor = new ProtoWriter().varint(1, DT_STRING).message(2, shapeOf(1)).text(8, text);
  return summaryEvent(place, [pluginValue({ tag, plugin: 'text', content: new Uint8Array(), tensor })]);
}

/** Options of a run, by name. */
export type HParams = Readonly<Record<string, string | number | boolean>>;

/** The row of a run in the table of the HParams plugin. */
export function hparamsEvent(place: EventPlace, { run, hparams }: { run: string; hparams: HParams }): Uint8Array {
  const info = new ProtoWriter();
  for (const [name, value] of Object.entries(hparams)) {
    info.message(1, new ProtoWriter().text(1, name).message(2, protoValue(value)));
  }
  info.text(4, run).double(5, secondsOf(place.at));
  return hparamsValue(place, HPARAMS_START, new ProtoWriter().message(3, info));
}

/** Says that the run has finished. */
export function hparamsEndEvent(place: EventPlace): Uint8Array {
  const info = new ProtoWriter().varint(1, STATUS_SUCCESS).double(2, secondsOf(place.at));
  return hparamsValue(place, HPARAMS_END, new ProtoWriter().message(4, info));
}

/** What an event says, as far as a later writer must know: its step and its tags. @throws RangeError when it is none */
export function readEvent(event: Uint8Array): { readonly step: number; readonly tags: readonly string[] } {
  let step = 0;
  const tags: string[] = [];
  for (const { field, value } of protoFields(event)) {
    if (field === 2 && typeof value === 'number') step = value;
    if (field === 5 && typeof value !== 'number') tags.push(...tagsOf(value));
  }
  return { step, tags };
}

/** What `hparamsEndEvent` writes. */
export function isHparamsEnd(tag: string): boolean {
  return tag === HPARAMS_END;
}

function tagsOf(summary: Uint8Array): string[] {
  const messages = (of: Uint8Array): Uint8Array[] =>
    protoFields(of).flatMap(({ field, value }) => (field === 1 && typeof value !== 'number' ? [value] : []));
  return messages(summary).flatMap((value) => messages(value).map((tag) => Buffer.from(tag).toString()));
}

function summaryEvent({ step, at }: EventPlace, values: readonly ProtoWriter[]): Uint8Array {
  const summary = new ProtoWriter();
  for (const value of values) summary.message(1, value);
  return new ProtoWriter().double(1, secondsOf(at)).varint(2, step).message(5, summary).finish();
}

function hparamsValue(place: EventPlace, tag: string, data: ProtoWriter): Uint8Array {
  const tensor = new ProtoWriter().varint(1, DT_FLOAT).message(2, shapeOf(0));
  return summaryEvent(place, [pluginValue({ tag, plugin: 'hparams', content: data.finish(), tensor })]);
}

interface PluginValue {
  readonly tag: string;
  readonly plugin: string;
  readonly content: Uint8Array;
  readonly tensor: ProtoWriter;
}

function pluginValue({ tag, plugin, content, tensor }: PluginValue): ProtoWriter {
  const data = new ProtoWriter().text(1, plugin);
  if (content.byteLength > 0) data.bytes(2, content);
  return new ProtoWriter().text(1, tag).message(8, tensor).message(9, new ProtoWriter().message(1, data));
}

/** The shape of a vector. */
function shapeOf(length: number): ProtoWriter {
  return new ProtoWriter().message(2, new ProtoWriter().varint(1, length));
}

/** google.protobuf.Value */
function protoValue(value: string | number | boolean): ProtoWriter {
  if (typeof value === 'number') return new ProtoWriter().chosenDouble(2, value);
  return typeof value === 'string'
    ? new ProtoWriter().text(3, value)
    : new ProtoWriter().chosenVarint(4, Number(value));
}

function secondsOf(at: string): number {
  return Date.parse(at) / 1_000;
}
