/**
 * The entry for those who make certificates: it loads an X.509 library, which processes of a run do not need.
 */
export { createAuthority, openAuthority, type Authority, type IssueRequest } from './authority/authority.js';
export { writeTlsFolder, type IssuedIdentity } from './authority/tls-folder.js';
export { initPki, openPki, type Pki } from './authority/pki-folder.js';
