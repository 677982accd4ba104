/** A private authority for tests of packages that make no certificates themselves. */
export { initPki, type Pki } from '../src/authority/pki-folder.js';
