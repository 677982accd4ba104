/** Light or dark: as the system has it, or as was chosen here. Paper is always light. */
import { byId, setText } from './dom.js';

const CHOICES = ['system', 'light', 'dark'] as const;
const KEY = 'facet-theme';

type Choice = (typeof CHOICES)[number];

/** Shows the theme and calls `onChange` whenever another one is shown. */
export function followTheme(onChange: () => void): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let choice = stored();
  let isPrinting = false;
  const show = (): void => {
    const isDark = !isPrinting && (choice === 'system' ? system.matches : choice === 'dark');
    document.documentElement.dataset['shown'] = isDark ? 'dark' : 'light';
    setText(byId('theme'), `Theme: ${choice}`);
    onChange();
  };
  const print = (on: boolean): void => {
    isPrinting = on;
    show();
  };
  system.addEventListener('change', show);
  addEventListener('beforeprint', () => {
    print(true);
  });
  addEventListener('afterprint', () => {
    print(false);
  });
  byId('theme').addEventListener('click', () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
    store(choice);
    show();
  });
  show();
}

/** The colour of a name, as it is shown now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A browser may refuse to store anything. */
function stored(): Choice {
  try {
    return CHOICES.find((choice) => choice === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

function store(choice: Choice): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // It holds until the page is closed.
  }
}
