import { createRequire } from 'node:module';
import * as legacy from './legacy.cjs';

// What an ES module defines for itself must not collide with what a bundle defines for CommonJS.
const require = createRequire(import.meta.url);
const __dirname = 'mine';

export default {
  reserve: async () => ({ ...legacy, endOfLine: legacy.endOfLine(), mine: __dirname, separator: require('node:path').sep }),
  charge: async () => {
    throw new Error('declined');
  },
};
