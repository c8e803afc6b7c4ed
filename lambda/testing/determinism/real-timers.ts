import * as timers from 'node:timers';

/**
 * The timers of Node.js, as they were when this module was loaded. A test that replaces timers, for example with `jest.useFakeTimers()`,
 * replaces the global ones, and some tools those of the module `timers` as well. Virtual time must go on nevertheless.
 */
export const { clearTimeout, setImmediate, setTimeout } = timers;
