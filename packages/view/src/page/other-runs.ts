/** Runs that are served beside this one, for comparison; only `facet view` has any. */
import type { HistoryView } from '../../../shared/src/history/run-history.js';
import { element } from './dom.js';

/** As `/runs` says it. */
interface ServedRun {
  readonly name: string;
  /** From the address of the list. */
  readonly path: string;
}

/** Offers the other runs in `place`, and tells which ones are chosen with what is known of them. */
export async function otherRuns(
  place: HTMLElement,
  onChange: (others: ReadonlyMap<string, HistoryView>) => void,
): Promise<void> {
  const here = /^(.*)\/runs\/([^/]+)\/$/.exec(location.pathname);
  if (here === null) return;
  const [, base = '', own] = here;
  const runs = (await (await fetch(`${base}/runs`)).json()) as readonly ServedRun[];
  const others = runs.filter(({ path }) => path !== `/runs/${own}/`);
  const chosen = new Map<string, HistoryView>();
  const entries = others.map(({ name, path }) => {
    const box = element('input', { type: 'checkbox' });
    box.addEventListener('change', () => {
      void (async () => {
        if (box.checked) chosen.set(name, (await (await fetch(`${base}${path}history`)).json()) as HistoryView);
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
