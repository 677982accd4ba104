/** The eyes of the documentation tests: what they read out of Markdown, and that they see what is wrong. */
import { describe, expect, test } from 'vitest';
import {
  facetArguments,
  flagsOf,
  isKnownFlag,
  lineProblem,
  mentionProblem,
} from '../../packages/cli/test/documented-lines.js';
import { anchorsOf, parsePage } from './markdown.js';
import { presetNumberProblems } from './preset-numbers.js';

const PAGE = `# A page

A [link](other.md#part) and a span \`facet up
--workers 2\` over two lines.

## A page

\`\`\`
facet up --dataset mnist \\
  --workers 2     # two of them
# a comment
[no](link.md) and \`no span\`
\`\`\`

| preset       | parameters | test accuracy |
| ------------ | ---------: | ------------- |
| \`mnist-fast\` | 77,000     | trained anew  |
`;

describe('a page', () => {
  const page = parsePage('page.md', PAGE);

  test('gives links and spans of its text with their lines, and none of its code', () => {
    expect(page.links).toEqual([{ text: 'other.md#part', at: 'page.md:3' }]);
    expect(page.spans.map(({ text, at }) => `${at} ${text}`)).toEqual([
      'page.md:3 facet up --workers 2',
      'page.md:17 mnist-fast',
    ]);
  });

  test('gives commands without comments, joined where they go on', () => {
    expect(page.blockLines[0]).toEqual({ text: 'facet up --dataset mnist --workers 2', at: 'page.md:9' });
    expect(page.blockLines).toHaveLength(2);
  });

  test('gives headings the anchors of GitHub', () => {
    expect(anchorsOf(page)).toEqual(['a-page', 'a-page-1']);
    expect(anchorsOf(parsePage('p.md', '## What `facet up` does: 1,000 *labels*'))).toEqual([
      'what-facet-up-does-1000-labels',
    ]);
  });

  test('is told of a number of a preset that is wrong, in a table and in a sentence', () => {
    expect(presetNumberProblems(page)).toEqual(['page.md:15: mnist-fast: 77,000, expected 82,698']);
    const sentence = parsePage('page.md', 'after an epoch of `mnist-fast` (77,000\nparameters)');
    expect(presetNumberProblems(sentence)).toHaveLength(1);
  });
});

describe('a command line', () => {
  test.each([
    ['facet up --workers 2', ['up', '--workers', '2']],
    ['$ FACET_RUNS=/tmp npx facet status', ['status']],
    ["facet up --set 'run=a b'", ['up', '--set', 'run=a b']],
    ['facetious', undefined],
  ])('%s', (text, args) => {
    expect(facetArguments(text)).toEqual(args);
  });

  test.each([
    [['up', '--wrokers', '2'], /unknown option/],
    [['trian'], /unknown command/],
    [['resume'], /missing required argument/],
    [['up', '--set', 'seed'], /Expected key=value/],
  ])('%j is refused as the program refuses it', async (args, problem) => {
    expect(await lineProblem(args)).toMatch(problem);
  });

  test('may be shortened, but not made up', () => {
    expect(mentionProblem(['resume'])).toBeUndefined();
    expect(mentionProblem(['ledger', 'check', 'RUN'])).toBeUndefined();
    expect(mentionProblem(['ledger', 'prove'])).toMatch(/no command 'prove'/);
    expect(mentionProblem(['up', '--tta'])).toMatch(/no flag '--tta'/);
    expect(flagsOf(['--eps=0.1', '-v', '-1', 'x'])).toEqual(['--eps', '-v']);
    expect(isKnownFlag('--tta') && !isKnownFlag('--tat')).toBe(true);
  });
});
