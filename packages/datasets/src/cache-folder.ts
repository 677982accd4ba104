/**
 * Which folder fetched datasets are kept in: the caller's, FACET_CACHE, or the platform's convention. Only decides;
 * creates nothing.
 */
import { homeFolder } from '@facet/shared';
import { isAbsolute, join } from 'node:path';
import type { DatasetSource } from './dataset.js';

/** What the decision depends on. */
export interface CacheSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly home: string;
}

/** The cache folder of a source on this machine. */
export function cacheFolderOf(source: Pick<DatasetSource, 'cacheFolder'>): string {
  if (source.cacheFolder !== undefined) return source.cacheFolder;
  return defaultCacheFolder({ env: process.env, platform: process.platform, home: homeFolder(process.env) });
}

/**
 * FACET_CACHE, else XDG_CACHE_HOME/facet, else ~/Library/Caches/facet (macOS) or ~/.cache/facet. An empty variable
 * counts as unset, and so does a relative XDG_CACHE_HOME, as its specification asks.
 */
export function defaultCacheFolder({ env, platform, home }: CacheSurroundings): string {
  if (env.FACET_CACHE) return env.FACET_CACHE;
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'facet');
  return platform === 'darwin' ? join(home, 'Library', 'Caches', 'facet') : join(home, '.cache', 'facet');
}
