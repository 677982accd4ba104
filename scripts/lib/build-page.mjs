// The live page of a run: its TypeScript, its styles and uPlot become three static files in packages/view/dist/page. It is
// built again only if something that goes into it has changed.

import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isToolNode, TOOL_RANGE } from './node-version.mjs';
import { ROOT } from './repository.mjs';
import { say } from './say.mjs';

const VIEW = path.join(ROOT, 'packages', 'view');
const SOURCES = [path.join(VIEW, 'src', 'page'), path.join(ROOT, 'packages', 'shared', 'src', 'history')];
const TARGET = path.join(VIEW, 'dist', 'page');
const STAMP = path.join(TARGET, 'stamp.txt');
const UPLOT = path.join(ROOT, 'node_modules', 'uplot');

/** Builds the page. Needs the installed dependencies, and no other build. */
export async function buildPage() {
  const stamp = await stampOfSources();
  if ((await readFile(STAMP, 'utf8').catch(() => '')) === stamp) return;
  // Facet runs on older ones than Vite does.
  if (!isToolNode()) {
    say(`the live page is not built: that needs Node.js ${TOOL_RANGE}; everything else works without it`);
    return;
  }
  const startedMs = performance.now();
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: SOURCES[0],
    base: './',
    logLevel: 'warn',
    build: {
      outDir: TARGET,
      emptyOutDir: true,
      target: 'es2022',
      // One file of each kind: the names are what the server looks up.
      cssCodeSplit: false,
      assetsInlineLimit: 0,
      modulePreload: false,
      rollupOptions: {
        output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]' },
      },
    },
  });
  // Its licence asks that the notice goes along.
  await copyFile(path.join(UPLOT, 'LICENSE'), path.join(TARGET, 'uPlot.LICENSE.txt'));
  await writeFile(STAMP, stamp);
  say(`building the live page ... ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
}

async function stampOfSources() {
  const hash = createHash('sha256');
  const files = [import.meta.filename, path.join(UPLOT, 'package.json')];
  for (const folder of SOURCES) {
    const names = await readdir(folder, { recursive: true });
    files.push(...names.filter((name) => /\.(?:ts|css|html|svg)$/.test(name)).map((name) => path.join(folder, name)));
  }
  for (const file of files.toSorted()) hash.update(`${path.relative(ROOT, file)}\n`).update(await readFile(file));
  return hash.digest('hex');
}
