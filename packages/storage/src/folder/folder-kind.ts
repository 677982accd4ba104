/** `file://FOLDER`, or the folder as it is typed: runs in a folder, as without any store. */
import { fileURLToPath } from 'node:url';
import type { StoreKind } from '../store/store-kind.js';
import { FolderStore } from './folder-store.js';

export const FOLDER: StoreKind = {
  scheme: 'file://',
  shape: 'FOLDER',
  open: (place) => Promise.resolve(new FolderStore(folderOf(place))),
};

function folderOf(place: string): string {
  return place.startsWith(FOLDER.scheme) ? fileURLToPath(place) : place;
}
