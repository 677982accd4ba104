/**
 * Which files a person means: each path is an image, or a folder that stands for the images directly in it. What cannot
 * be found is an entry of the list with its reason, so that the other files are still done.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { TrainingError } from '@facet/shared';

export type ImageFile =
  | { readonly file: string; readonly ok: true }
  | { readonly file: string; readonly ok: false; readonly error: TrainingError };

/** What a folder is searched for; a file that is named itself may be called anything. */
const EXTENSIONS = ['.png', '.jpg', '.jpeg'];

/** The image files behind paths, in their order; those of a folder by name. */
export async function listImageFiles(paths: readonly string[]): Promise<ImageFile[]> {
  const found: ImageFile[] = [];
  for (const each of paths) found.push(...(await filesAt(each)));
  return found;
}

async function filesAt(file: string): Promise<ImageFile[]> {
  const failed = (fault: string): ImageFile[] => [
    { file, ok: false, error: new TrainingError('IMAGE_INVALID', `${file}: ${fault}`) },
  ];
  try {
    if (!(await stat(file)).isDirectory()) return [{ file, ok: true }];
    const names = await readdir(file);
    const images = names.filter((name) => EXTENSIONS.includes(path.extname(name).toLowerCase())).sort();
    if (images.length > 0) return images.map((name) => ({ file: path.join(file, name), ok: true }));
    return failed(`the folder has no image among its ${names.length} entries, expected ${EXTENSIONS.join(', ')} files`);
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    return failed(code === 'ENOENT' ? 'no such file, expected a PNG or JPEG file or a folder of them' : message);
  }
}
