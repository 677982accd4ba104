/** Which steps are looked at: one range for all charts. */
import { byId } from './dom.js';

/** First and last step; undefined for the whole run. */
export type Range = readonly [number, number] | undefined;

export class Zoom {
  #range: Range;
  readonly #hearers: (() => void)[] = [];
  readonly #from = byId<HTMLInputElement>('from');
  readonly #to = byId<HTMLInputElement>('to');
  readonly #whole = byId<HTMLButtonElement>('whole');

  constructor() {
    const typed = (): void => {
      const [from, to] = [this.#from, this.#to].map(({ value }) => (value === '' ? undefined : Number(value)));
      if (from === undefined && to === undefined) this.set(undefined);
      else if (to === undefined || (from ?? 0) < to) this.set([from ?? 0, to ?? Number.MAX_SAFE_INTEGER]);
    };
    this.#from.addEventListener('change', typed);
    this.#to.addEventListener('change', typed);
    this.#whole.addEventListener('click', () => {
      this.set(undefined);
    });
  }

  get range(): Range {
    return this.#range;
  }

  /** The range within these steps. */
  within(first: number, last: number): [number, number] {
    const [from, to] = this.#range ?? [first, last];
    const end = Math.min(to, Math.max(last, from + 1));
    return [from, Math.max(end, from + 1)];
  }

  set(range: Range): void {
    this.#range = range;
    this.#from.value = range === undefined ? '' : String(Math.round(range[0]));
    this.#to.value = range === undefined || range[1] === Number.MAX_SAFE_INTEGER ? '' : String(Math.round(range[1]));
    this.#whole.disabled = range === undefined;
    for (const hear of this.#hearers) hear();
  }

  onChange(hear: () => void): void {
    this.#hearers.push(hear);
  }
}
