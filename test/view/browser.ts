/** A real browser for the live page: Debian's chromium, without a window. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = CANDIDATES.find(existsSync);

/** Why there is no browser; undefined if there is one. */
export const noBrowser = found === undefined ? `none of ${CANDIDATES.join(', ')}; apt-get install chromium` : undefined;

/** Without its own sandbox, which needs rights that containers do not give. It opens pages of ours only. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: found!, args: ['--no-sandbox'] });
}

/** What axe finds that keeps people from using the page: the rule, and where. */
export async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => {
    const places = nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ''}`);
    return `${id}: ${places.join(', ')}`;
  });
}

/** The rows of a table as text. */
export async function rowsOf(page: Page, table: string): Promise<readonly (readonly string[])[]> {
  const rows = await page.locator(`${table} tbody tr`).all();
  return Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
}
