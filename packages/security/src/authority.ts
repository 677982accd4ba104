/**
 * The entry for those who make certificates: it loads an X.509 library, which processes of a run do not need.
 */
export { createAuthority, openAuthority, type Authority, type IssueRequest } from './authority/authority.js';
export { writeTlsFolder, type IssuedIdentity } from './authority/tls-folder.js';
export {
  initPki,
  isPkiFolder,
  openPki,
  readCertificate,
  type Pki,
  type StoredCertificate,
} from './authority/pki-folder.js';
