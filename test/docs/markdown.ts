/**
 * What the documentation tests read out of Markdown: headings, links, code spans and the lines of code blocks, each with the
 * place where it stands. It understands the Markdown that this repository uses, not all of it: fences start a line, and
 * there is no HTML.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** Folders that hold no file of ours. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', 'runs', 'coverage']);

/** A piece of text and where it stands, as `file:line`. */
export interface Found {
  readonly text: string;
  readonly at: string;
}

export interface Page {
  /** Relative to the repository. */
  readonly file: string;
  /** The text without its code blocks. */
  readonly prose: string;
  readonly headings: readonly Found[];
  /** Targets of links and pictures. */
  readonly links: readonly Found[];
  /** Inline code. */
  readonly spans: readonly Found[];
  /** Commands of code blocks: comments gone, lines that end in a backslash joined. */
  readonly blockLines: readonly Found[];
  readonly tables: readonly Table[];
}

/** A table as cells of text; the first row is its header. */
export interface Table {
  readonly at: string;
  readonly rows: readonly (readonly string[])[];
}

/** Every file of the repository, as paths from its root with forward slashes. */
export function repositoryFiles(folder = ''): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [name];
    return SKIPPED.has(entry.name) ? [] : repositoryFiles(name);
  });
}

/** Reads one Markdown file of the repository. */
export function readPage(file: string): Page {
  return parsePage(file, readFileSync(path.join(ROOT, file), 'utf8'));
}

/** Reads one Markdown text; `file` is only named. */
export function parsePage(file: string, text: string): Page {
  const { prose, blocks } = splitFences(text);
  const found = (pattern: RegExp): Found[] =>
    [...prose.matchAll(pattern)].map((match) => ({
      text: (match.groups?.['text'] ?? '').replaceAll(/\s+/g, ' '),
      at: `${file}:${lineOf(prose, match.index)}`,
    }));
  return {
    file,
    prose,
    headings: found(/^#{1,6} (?<text>.+)$/gm),
    links: found(/\]\((?<text>[^)\s]+)\)/g),
    // A span may go over the end of a line, but not over an empty one. `\|` stands for a bar inside of a table.
    spans: found(/(?<!`)`(?!`)(?<text>(?:[^`\n]|\n(?!\n))+)`/g).map(({ text: span, at }) => ({
      text: span.replaceAll('\\|', '|'),
      at,
    })),
    blockLines: blocks.flatMap(({ line, lines }) => joinedLines(file, line, lines)),
    tables: tablesOf(file, prose.split('\n')),
  };
}

interface Block {
  /** Of its first line inside the fence. */
  readonly line: number;
  readonly lines: readonly string[];
}

/** The text with its code blocks emptied, so that lines keep their numbers, and the blocks. */
function splitFences(text: string): { readonly prose: string; readonly blocks: readonly Block[] } {
  const prose: string[] = [];
  const blocks: Block[] = [];
  let open: string[] | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const isFence = line.startsWith('```');
    prose.push(open !== undefined || isFence ? '' : line);
    if (!isFence) {
      open?.push(line);
    } else if (open === undefined) {
      open = [];
      blocks.push({ line: index + 2, lines: open });
    } else {
      open = undefined;
    }
  }
  return { prose: prose.join('\n'), blocks };
}

function joinedLines(file: string, first: number, lines: readonly string[]): Found[] {
  const joined: Found[] = [];
  let begun: Found | undefined;
  for (const [index, line] of lines.entries()) {
    const code = line.replace(/(^|\s)#\s.*$/, '').trim();
    const text: string = begun === undefined ? code : `${begun.text} ${code}`;
    const at: string = begun?.at ?? `${file}:${first + index}`;
    if (text.endsWith('\\')) {
      begun = { text: text.slice(0, -1).trim(), at };
    } else {
      begun = undefined;
      if (text !== '') joined.push({ text, at });
    }
  }
  return joined;
}

function tablesOf(file: string, lines: readonly string[]): Table[] {
  const tables: { at: string; rows: string[][] }[] = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('|')) continue;
    if (lines[index - 1]?.startsWith('|') !== true) tables.push({ at: `${file}:${index + 1}`, rows: [] });
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (!cells.every((cell) => /^:?-+:?$/.test(cell))) tables.at(-1)?.rows.push(cells);
  }
  return tables;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf({ headings }: Page): readonly string[] {
  const seen = new Map<string, number>();
  return headings.map(({ text }) => {
    const slug = text
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
