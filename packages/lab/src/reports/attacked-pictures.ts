import type { Dataset } from '@facet/datasets';
import type { AttackedExamples } from '../robustness/attacked-examples.js';
import { pixelImage } from '../pages/pixel-image.js';
import type { AttackedPictures } from '../pages/robustness-page.js';
import { formatEps } from '../robustness/robustness-words.js';

/** The examples of an attack as the page shows them. */
export function attackedPictures(
  { attack, norm, eps, images }: AttackedExamples,
  { image, classes }: Dataset,
): AttackedPictures {
  return {
    attack: `${attack}, ${norm} ${formatEps(eps)}`,
    pictures: images.map(({ truth, answer, clean, attacked }) => ({
      clean: pixelImage(clean, image),
      attacked: pixelImage(attacked, image),
      truth: classes[truth] ?? String(truth),
      answer: classes[answer] ?? String(answer),
    })),
  };
}
