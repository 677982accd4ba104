export { RunFeed } from './run-feed.js';
export { runPage } from './run-pages.js';
export { RunShelf, runPath } from './run-shelf.js';
