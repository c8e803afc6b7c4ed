import { MissingPackageError } from '../missing-package';

/** The client for Valkey and Redis. */
export type CacheClient = typeof import('iovalkey');

/**
 * Loads the client for Valkey and Redis: an optional package of 120 KB, which only workflows with a lock cache need.
 *
 * @throws MissingPackageError if it is not installed
 */
export async function loadClient(): Promise<CacheClient> {
  try {
    // Bundlers may drop the named exports of a CommonJS module, but not its default export, which is the module itself.
    return (await import('iovalkey')).default as unknown as CacheClient;
  } catch (thrown) {
    throw new MissingPackageError('iovalkey', 'A lock store in Amazon ElastiCache', thrown);
  }
}
