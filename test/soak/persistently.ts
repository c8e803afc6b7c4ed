import { setTimeout as pause } from 'node:timers/promises';

/** Retries a call until it succeeds, since requests fail and services have outages. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await pause(200);
    }
  }
}
