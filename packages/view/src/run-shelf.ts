/**
 * Pages of runs that lie in folders, running ones too: a list, and the page of each, which is the page that a coordinator
 * serves. Nothing is written, and no coordinator is asked. A ledger is read when somebody looks at its run.
 */
import type { PageHandler } from '@facet/telemetry';
import { LedgerFollower } from './ledger-follower.js';
import { pageFile } from './page-files.js';
import { json, runPage } from './run-pages.js';
import { listPage, type ListedRun } from './list-page.js';

/** A run in a folder. */
export interface ShelvedRun {
  readonly name: string;
  /** Path of its ledger. */
  readonly ledger: string;
}

const POLL_MS = 1_000;
const RUN_PATH = /^\/runs\/([^/]+)(\/.*)?$/;

export interface ShelfOptions {
  /** The runs that there are. Asked for every file of a page, so that it must cost little. */
  readonly runs: () => Promise<readonly ShelvedRun[]>;
  /** What the list says of a run, by the title of the column. Asked when somebody looks at the list. */
  readonly facts: (run: ShelvedRun) => Promise<Readonly<Record<string, string>>>;
}

export class RunShelf {
  readonly #options: ShelfOptions;
  readonly #followers = new Map<string, LedgerFollower>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#poll();
    }, POLL_MS).unref();
  }

  /** What answers for a path. */
  readonly pages = (path: string): PageHandler | undefined => {
    const { runs, facts } = this.#options;
    if (path === '/') {
      const listed = async (): Promise<readonly ListedRun[]> =>
        Promise.all((await runs()).map(async (run) => ({ name: run.name, facts: await facts(run) })));
      return listPage(listed);
    }
    if (path === '/runs') return json(() => runs().then((all) => all.map(nameAndPath)));
    const [, name, rest] = RUN_PATH.exec(path) ?? [];
    if (name === undefined) return pageFile(path.slice(1));
    // Names of files in the page are relative to its folder.
    if (rest === undefined) return (_request, response) => void response.writeHead(301, { location: `${path}/` }).end();
    return async (request, response) => {
      const run = (await runs()).find((one) => encodeURIComponent(one.name) === name);
      if (run === undefined) return notFound(request, response);
      const feed = await this.#followerOf(run).read();
      return (runPage(feed, rest) ?? notFound)(request, response);
    };
  };

  close(): void {
    clearInterval(this.#timer);
    for (const follower of this.#followers.values()) follower.close();
  }

  #followerOf({ ledger }: ShelvedRun): LedgerFollower {
    const known = this.#followers.get(ledger);
    if (known !== undefined) return known;
    const follower = new LedgerFollower(ledger);
    this.#followers.set(ledger, follower);
    return follower;
  }

  /** A run that is gone is what its page finds out when it connects again. */
  #poll(): void {
    for (const follower of this.#followers.values()) {
      if (!follower.isWatched) continue;
      follower.read().catch(() => {
        follower.close();
      });
    }
  }
}

/** Where the page of a run is. */
export function runPath(name: string): string {
  return `/runs/${encodeURIComponent(name)}/`;
}

function nameAndPath({ name }: ShelvedRun): { readonly name: string; readonly path: string } {
  return { name, path: runPath(name) };
}

const notFound: PageHandler = (_request, response) => {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('there is no such run\n');
};
