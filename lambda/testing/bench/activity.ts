import { AsyncLocalStorage } from 'node:async_hooks';
import { clearTimeout, setTimeout } from '../determinism/real-timers';

interface Task {
  /** The number of its virtual sleeps in progress. */
  asleep: number;
}

/**
 * Tracks the code that virtual time must wait for.
 *
 * Code that awaits only in-memory ports completes within the current turn of the event loop. Actions may do anything: read a file, call a
 * server, set a timer. Virtual time stands still while an action works, unless the action sleeps by the virtual clock.
 */
export class Activity {
  private readonly tasks = new Set<Task>();
  private readonly current = new AsyncLocalStorage<Task>();
  private changed: () => void = () => undefined;

  /** Whether any tracked task is working, not sleeping. */
  public get busy(): boolean {
    return [...this.tasks].some(({ asleep }) => asleep === 0);
  }

  /** Runs code that virtual time waits for. */
  public async work<T>(code: () => Promise<T> | T): Promise<T> {
    const task: Task = { asleep: 0 };
    this.tasks.add(task);
    try {
      return await this.current.run(task, async () => code());
    } finally {
      this.tasks.delete(task);
      this.changed();
    }
  }

  /** Waits for something that happens in virtual time, so that the calling task does not stop the clock. */
  public async sleep(sleep: () => Promise<void>): Promise<void> {
    const task = this.current.getStore();
    if (!task) {
      return sleep();
    }
    task.asleep += 1;
    this.changed();
    try {
      return await sleep();
    } finally {
      task.asleep -= 1;
    }
  }

  /**
   * Resolves when a task ends or falls asleep, or after `maxPauseMs` real milliseconds. Tasks that still work by then are considered hung:
   * virtual time no longer waits for them.
   */
  public async pause(maxPauseMs: number): Promise<void> {
    const ended = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), maxPauseMs);
      this.changed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.changed = () => undefined;
    if (!ended) {
      this.tasks.clear();
    }
  }
}
