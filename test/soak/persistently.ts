import { setTimeout as pause } from 'node:timers/promises';

/** Repeats a call until it succeeds: requests fail, and services are down for a while. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await pause(200);
    }
  }
}
