import { actionsOf, exportOf, type ActionLookup } from '../engine';
import { FsmError } from '../machine/fsm-error';

/** The actions file throws an error while it loads, so no action can run. */
export class ActionsNotLoadedError extends FsmError {
  public override readonly name = 'ActionsNotLoadedError';
  public override readonly code = 'ACTIONS_NOT_LOADED';

  constructor(cause: unknown) {
    super(
      `The actions file cannot be loaded: ${String(cause)}. Check the environment variables and the files that it reads while it loads.`,
      { cause, retryable: true },
    );
  }
}

/**
 * The actions file of a workflow. If it throws while it loads, every action fails with an {@link ActionsNotLoadedError}: the executions then
 * fail with the reason, instead of their messages being delivered again and again to a function that does not start.
 */
export class ActionsFile {
  private loaded?: ActionLookup;
  private error?: ActionsNotLoadedError;
  private attempts = 0;

  constructor(private readonly url: URL) {}

  /** The actions of the file. */
  public readonly actions: ActionLookup = (machine, name) => {
    if (this.loaded) return this.loaded(machine, name);
    const { error } = this;
    return async () => {
      throw error ?? new ActionsNotLoadedError('it has not been loaded yet');
    };
  };

  /**
   * Loads the file, unless it is loaded. To be called before each invocation: a reason such as a failed request may be temporary.
   *
   * @returns the reason if the file cannot be loaded
   */
  public async load(): Promise<ActionsNotLoadedError | undefined> {
    if (this.loaded) return undefined;
    // Node.js keeps a module that failed. Another query makes it another module.
    const url = new URL(this.url);
    if (this.attempts > 0) url.search = `attempt=${this.attempts}`;
    this.attempts += 1;
    try {
      this.loaded = actionsOf(exportOf(await import(url.href)));
      this.error = undefined;
    } catch (thrown) {
      this.error = new ActionsNotLoadedError(thrown);
    }
    return this.error;
  }
}
