import { describe, expect, it } from 'vitest';
import { cacheFolderOf, defaultCacheFolder } from './cache-folder.js';

const linux = { platform: 'linux', home: '/home/ada' };

describe('the cache folder', () => {
  it("is the caller's, whatever the environment says", () => {
    expect(cacheFolderOf({ cacheFolder: '/here' })).toBe('/here');
  });

  it('is FACET_CACHE before everything else', () => {
    const env = { FACET_CACHE: '/big/disk', XDG_CACHE_HOME: '/xdg' };
    expect(defaultCacheFolder({ ...linux, env })).toBe('/big/disk');
  });

  it('is below XDG_CACHE_HOME unless that is empty or relative', () => {
    expect(defaultCacheFolder({ ...linux, env: { XDG_CACHE_HOME: '/xdg' } })).toBe('/xdg/facet');
    expect(defaultCacheFolder({ ...linux, env: { XDG_CACHE_HOME: 'xdg' } })).toBe('/home/ada/.cache/facet');
    expect(defaultCacheFolder({ ...linux, env: { XDG_CACHE_HOME: '', FACET_CACHE: '' } })).toBe(
      '/home/ada/.cache/facet',
    );
  });

  it("follows macOS's convention there", () => {
    const mac = { platform: 'darwin', home: '/Users/ada', env: {} };
    expect(defaultCacheFolder(mac)).toBe('/Users/ada/Library/Caches/facet');
  });
});
