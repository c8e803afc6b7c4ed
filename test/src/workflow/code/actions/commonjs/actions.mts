import { createRequire } from 'node:module';
import * as legacy from './legacy.cjs';

// These names must not collide with the names that the bundle defines for CommonJS.
const require = createRequire(import.meta.url);
const __dirname = 'mine';

export default {
  reserve: async () => ({
    ...legacy,
    endOfLine: legacy.endOfLine(),
    mine: __dirname,
    separator: require('node:path').sep,
  }),
  charge: async () => {
    throw new Error('declined');
  },
};
