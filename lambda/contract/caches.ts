/** The prefix of the keys that hold locks in a cache. The access string of the cache's user allows no other keys. */
export const LOCK_KEY_PREFIX = 'lock:';
