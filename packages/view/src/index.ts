export { RunFeed } from './run-feed.js';
export { runPage } from './run-pages.js';
