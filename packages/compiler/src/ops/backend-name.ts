/** The name of the capturing backend; operations that record one coarse node look for it. */
export const CAPTURE_BACKEND = 'facet-capture';
