import {
  appendFile,
  copyFile,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerChain, type LedgerRecord, type TrainingError } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLedger, type LedgerFile } from './ledger-file.js';

const record = (fromStep: number): LedgerRecord => ({ kind: 'resume', fromStep, at: '2026-03-01T12:00:00.000Z' });
/** The lines of a ledger that holds these. */
const linesOf = (...fromSteps: readonly number[]): string[] => {
  const chain = new LedgerChain();
  return fromSteps.map((fromStep) => chain.append(record(fromStep)));
};
const textOf = (...fromSteps: readonly number[]): string => linesOf(...fromSteps).join('');

let folder: string;
let path: string;
let errors: TrainingError[];
let found: LedgerRecord[];
const opened: LedgerFile[] = [];

async function openHere(): Promise<LedgerFile> {
  const ledger = await openLedger({
    folder,
    onRecord: (one) => found.push(one),
    onError: (error) => errors.push(error),
  });
  opened.push(ledger);
  return ledger;
}

/** The prototype of file handles, where a test can hold or break the calls of any open file. */
async function fileHandlePrototype(): Promise<FileHandle> {
  await using handle = await open(folder, 'r');
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** A promise that the test resolves when it likes: a sync that the disk holds back. */
function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-ledger-'));
  path = join(folder, 'ledger.jsonl');
  errors = [];
  found = [];
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
  await rm(folder, { recursive: true });
});

describe('a ledger file', () => {
  it('has a record on disk when its append resolves', async () => {
    const ledger = await openHere();
    expect(ledger).toMatchObject({ path, isNew: true, recovered: undefined });
    await ledger.append(record(1));
    expect(await readFile(path, 'utf8')).toBe(textOf(1));
  });

  it('makes a missing folder, and goes on where it ended when it is opened again', async () => {
    const options = { folder: join(folder, 'runs', 'demo'), onError: (error: TrainingError) => errors.push(error) };
    await using first = await openLedger(options);
    await first.append(record(1));
    await first.close();
    await using second = await openLedger({ ...options, onRecord: (one) => found.push(one) });
    expect(second).toMatchObject({ isNew: false, recovered: undefined });
    expect(found).toEqual([record(1)]);
    await second.append(record(2));
    expect(await readFile(second.path, 'utf8')).toBe(textOf(1, 2));
  });

  it('writes the appends that arrive during a sync together, in order, with one more sync', async () => {
    const prototype = await fileHandlePrototype();
    const ledger = await openHere();
    const heldSync = gate();
    const sync = vi.spyOn(prototype, 'datasync').mockImplementationOnce(() => heldSync.promise);
    const write = vi.spyOn(prototype, 'appendFile');
    const finished: number[] = [];
    const appendAll = [1, 2, 3, 4, 5].map(async (step) => {
      await ledger.append(record(step));
      finished.push(step);
    });
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1));
    expect(finished).toEqual([]);
    heldSync.resolve();
    await Promise.all(appendAll);
    expect(finished).toEqual([1, 2, 3, 4, 5]);
    expect(sync).toHaveBeenCalledTimes(2);
    const [first, ...others] = linesOf(1, 2, 3, 4, 5);
    expect(write.mock.calls.map(([written]) => Buffer.from(written as Uint8Array).toString())).toEqual([
      first,
      others.join(''),
    ]);
  });

  it('flushes on close and refuses appends afterwards', async () => {
    const ledger = await openHere();
    const appends = [1, 2, 3].map((step) => ledger.append(record(step)));
    await ledger.close();
    expect(await readFile(path, 'utf8')).toBe(textOf(1, 2, 3));
    await Promise.all(appends);
    await expect(ledger.append(record(4))).rejects.toMatchObject({
      code: 'ACCOUNTING',
      message: expect.stringMatching(/closed/),
    });
    await ledger.close();
    expect(errors).toEqual([]);
  });

  it.each([
    ['half a line', Buffer.from(linesOf(1, 2, 3)[2]!.slice(0, 40))],
    ['a line without its newline', Buffer.from(linesOf(1, 2, 3)[2]!.trimEnd())],
    ['bytes that are no text', Buffer.from([0xff, 0x00, 0xc3])],
  ])('cuts off a torn tail of %s, reports it, and appends after the sound part', async (_, tail) => {
    await writeFile(path, Buffer.concat([Buffer.from(textOf(1, 2)), tail]));
    const ledger = await openHere();
    expect(found).toEqual([record(1), record(2)]);
    expect(ledger.recovered).toEqual({ bytes: tail.byteLength });
    await ledger.append(record(3));
    expect(await readFile(path, 'utf8')).toBe(textOf(1, 2, 3));
  });

  it('measures the sound part in bytes, not in characters', async () => {
    const fault: LedgerRecord = {
      kind: 'fault',
      generation: 1,
      step: 1,
      code: 'INTERNAL',
      message: 'Gerät 🔥',
      at: '2026-03-01T12:00:00.000Z',
    };
    const sound = new LedgerChain().append(fault);
    await writeFile(path, `${sound}{"kind"`);
    await openHere();
    expect(found).toEqual([fault]);
    expect(await readFile(path, 'utf8')).toBe(sound);
  });

  it('refuses damage before the tail, names the line, and leaves the file as it is', async () => {
    const [first, second, third, fourth] = linesOf(1, 2, 3, 4);
    const text = first! + second!.replace('resume', 'rezume') + third! + fourth!.slice(0, 10);
    await writeFile(path, text);
    await expect(openHere()).rejects.toMatchObject({
      code: 'LEDGER_INVALID',
      message: expect.stringMatching(/ledger\.jsonl line 2: the line's checksum is [0-9a-f]{8}, expected/),
    });
    expect(await readFile(path, 'utf8')).toBe(text);
    await writeFile(path, first!);
    found = [];
    await openHere();
    expect(found).toHaveLength(1);
  });

  it('refuses a whole last line that is damaged, and says when it may be removed', async () => {
    const text = textOf(1, 2).replace(/resume(.*\n)$/, 'rezume$1');
    await writeFile(path, text);
    const message = expect.stringMatching(
      /line 2: the line's checksum .*; remove that line if the machine lost its power/,
    );
    await expect(openHere()).rejects.toMatchObject({ code: 'LEDGER_INVALID', message });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('has one writer in a process', async () => {
    const ledger = await openHere();
    await expect(openHere()).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    await ledger.close();
    await openHere();
  });

  it('rejects every waiting and every later append after a write error, and reports it once', async () => {
    const prototype = await fileHandlePrototype();
    const ledger = await openHere();
    await ledger.append(record(1));
    vi.spyOn(prototype, 'datasync').mockRejectedValueOnce(new Error('EIO: the disk is gone'));
    const outcomes = await Promise.allSettled([2, 3, 4].map((step) => ledger.append(record(step))));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(ledger.append(record(5))).rejects.toMatchObject({
      code: 'ACCOUNTING',
      message: expect.stringMatching(/EIO: the disk is gone/),
    });
    expect(errors).toHaveLength(1);
    await ledger.close();
    expect(await readFile(path, 'utf8')).toBe(textOf(1, 2));
  });

  it('stays usable after a malformed record, which it never writes', async () => {
    const ledger = await openHere();
    await expect(ledger.append(record(-1))).rejects.toMatchObject({ code: 'INTERNAL' });
    await ledger.append(record(1));
    expect(await readFile(path, 'utf8')).toBe(textOf(1));
  });

  it('fails rather than queue without end when the disk hangs', async () => {
    const prototype = await fileHandlePrototype();
    const ledger = await openHere();
    const heldSync = gate();
    vi.spyOn(prototype, 'datasync').mockImplementationOnce(() => heldSync.promise);
    const first = ledger.append(record(0));
    const waiting = Array.from({ length: 65_537 }, () => ledger.append(record(1)));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(errors).toMatchObject([
      { code: 'ACCOUNTING', message: expect.stringMatching(/65536 records wait for the disk/) },
    ]);
    heldSync.resolve();
    await first;
    await ledger.close();
    expect(await readFile(path, 'utf8')).toBe(textOf(0));
  });

  it('appends to what another process wrote meanwhile rather than over it', async () => {
    const ledger = await openHere();
    await appendFile(path, textOf(1));
    await ledger.append(record(2));
    expect(await readFile(path, 'utf8')).toBe(textOf(1) + textOf(2));
  });

  it('counts no append of a writer that was replaced, and keeps what it still writes out of the ledger', async () => {
    let isWriter = true;
    const options = { folder, onError: (error: TrainingError) => errors.push(error) };
    const before = await openLedger({ ...options, isWriter: () => Promise.resolve(isWriter) });
    opened.push(before);
    await before.append(record(1));
    isWriter = false;
    // As a successor does in its own process, where this one's file is not known.
    await copyFile(path, `${path}.copy`);
    await rename(`${path}.copy`, path);
    await expect(before.append(record(2))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    expect(errors).toMatchObject([{ code: 'RUN_LOCKED', message: expect.stringContaining('has taken over the run') }]);
    expect(await readFile(path, 'utf8')).toBe(textOf(1));
  });

  it('gets a new file from whoever opens it, and a copy that was left half made is gone', async () => {
    await writeFile(path, textOf(1));
    await writeFile(`${path}.next`, 'half');
    const { ino } = await stat(path);
    await openHere();
    expect((await stat(path)).ino).not.toBe(ino);
    expect(found).toEqual([record(1)]);
    expect(await readdir(folder)).toEqual(['ledger.jsonl']);
  });
});
