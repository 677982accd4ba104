/**
 * Shows a running training: redrawn in place on a terminal, plain lines elsewhere. It only reads. If it cannot reach the
 * coordinator, it says so. Notes, such as a worker that died, stay in the scrollback.
 */
import { createLogUpdate } from 'log-update';
import type { Status } from '@facet/proto';
import { visibleText } from '@facet/shared';
import { printLine, type Environment, type OutputStream } from '../context.js';
import { openStatusClient, type StatusClient, type StatusClientOptions } from '../runs/status-client.js';
import { frameLines } from './frame.js';
import { paletteFor } from './palette.js';
import { plainLines, startPlainProgress } from './plain-lines.js';

const TERMINAL_POLL_MS = 250;
const PLAIN_POLL_MS = 1_000;
/** If the coordinator does not answer for this long, the display says so. */
const SILENCE_MS = 5_000;
const MOST_LOSSES = 1_024;

export interface ProgressDisplay extends Disposable {
  /** Starts to ask this coordinator. */
  follow(coordinator: Pick<StatusClientOptions, 'address' | 'tls'>): void;
  /** Prints a line that stays. */
  note(line: string): void;
}

/** Opens the display on a stream; disposing of it leaves the last picture where it is. */
export function openProgressDisplay(stream: OutputStream, env: Environment): ProgressDisplay {
  const isTerminal = stream.isTTY && env['TERM'] !== 'dumb' && !env['CI'];
  const canvas = isTerminal ? terminalCanvas(stream, env) : plainCanvas(stream);
  let client: StatusClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;
  let isOpen = true;
  let answeredAt = performance.now();

  const ask = async (): Promise<void> => {
    if (isAsking || client === undefined) return;
    isAsking = true;
    const answer = await client.ask();
    isAsking = false;
    if (!isOpen) return;
    const now = performance.now();
    if (answer.ok) {
      answeredAt = now;
      canvas.show(answer.status, now);
    } else if (now - answeredAt > SILENCE_MS) {
      answeredAt = now;
      canvas.note(`the coordinator does not answer: ${answer.reason}`);
    }
  };

  return {
    follow(coordinator) {
      client = openStatusClient(coordinator);
      answeredAt = performance.now();
      timer = setInterval(() => void ask(), isTerminal ? TERMINAL_POLL_MS : PLAIN_POLL_MS);
      void ask();
    },
    note: (line) => {
      canvas.note(line);
    },
    [Symbol.dispose]() {
      isOpen = false;
      clearInterval(timer);
      client?.[Symbol.dispose]();
      canvas.end();
    },
  };
}

interface Canvas {
  show(status: Status, nowMs: number): void;
  note(line: string): void;
  end(): void;
}

function terminalCanvas(stream: OutputStream, env: Environment): Canvas {
  const log = createLogUpdate(stream, { showCursor: true });
  const palette = paletteFor(stream, env);
  const losses = new SeenLosses();
  return {
    show: (status) => {
      losses.add(status);
      // A terminal that does not know its size says 0.
      const size = { columns: stream.columns || 80, rows: stream.rows || 24 };
      log(frameLines(status, { ...size, palette, losses: losses.all }).join('\n'));
    },
    note: (line) => {
      log.persist(visibleText(line));
    },
    end: () => {
      log.done();
    },
  };
}

function plainCanvas(stream: OutputStream): Canvas {
  let progress = startPlainProgress(performance.now());
  return {
    show(status, nowMs) {
      const next = plainLines(progress, status, nowMs);
      progress = next.progress;
      for (const line of next.lines) printLine(stream, line);
    },
    note: (line) => {
      printLine(stream, line);
    },
    end: () => undefined,
  };
}

/** The losses that the display has seen, over the whole run: a pair becomes its mean when there are too many. */
class SeenLosses {
  #all: number[] = [];
  #lastStep = 0;

  get all(): readonly number[] {
    return this.#all;
  }

  add({ step, loss }: Pick<Status, 'step' | 'loss'>): void {
    if (step === this.#lastStep) return;
    this.#lastStep = step;
    this.#all.push(loss);
    if (this.#all.length < MOST_LOSSES) return;
    this.#all = this.#all.flatMap((value, index) => (index % 2 === 0 ? [] : [(this.#all[index - 1]! + value) / 2]));
  }
}
