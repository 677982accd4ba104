/** Runs that are served beside this one, for comparison; only `facet view` has any. */
import type { HistoryView } from '../../../shared/src/history/run-history.js';
import { element } from './dom.js';

/** As `/runs` says it. */
interface ServedRun {
  readonly name: string;
  /** From the address of the list. */
  readonly path: string;
}

const ANSWER_MS = 15_000;

async function read<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Error(`${url} is answered with ${answer.status}, expected 200`);
  return (await answer.json()) as T;
}

/** Offers the other runs in `place`, and tells which ones are chosen with what is known of them. */
export async function otherRuns(
  place: HTMLElement,
  onChange: (others: ReadonlyMap<string, HistoryView>) => void,
): Promise<void> {
  const here = /^(.*)\/runs\/([^/]+)\/$/.exec(location.pathname);
  if (here === null) return;
  const [, base = '', own] = here;
  const runs = await read<readonly ServedRun[]>(`${base}/runs`);
  const others = runs.filter(({ path }) => path !== `/runs/${own}/`);
  const chosen = new Map<string, HistoryView>();
  const entries = others.map(({ name, path }) => {
    const box = element('input', { type: 'checkbox' });
    box.addEventListener('change', () => {
      void (async () => {
        if (box.checked) chosen.set(name, await read<HistoryView>(`${base}${path}history`));
        else chosen.delete(name);
        onChange(new Map(chosen));
      })();
    });
    return element('li', {}, [
      element('label', {}, [box, ` compare with ${name} `]),
      element('a', { href: `${base}${path}` }, ['open']),
    ]);
  });
  place.replaceChildren(
    element('ul', {}, [element('li', {}, [element('a', { href: `${base}/` }, ['all runs'])]), ...entries]),
  );
  place.hidden = false;
}
