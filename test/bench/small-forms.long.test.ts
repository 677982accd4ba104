import { test } from 'vitest';
import { benchNames, checkSmallForm, PATIENCE_MS } from './small-forms.js';

test.each(benchNames('slow'))('the small form of the bench %s', checkSmallForm, PATIENCE_MS);
