/** Bounds the operations that run at once. The others wait for their turn, in order: their requests would only wait for a connection. */
export class InFlight {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  public async run<Answer>(operation: () => Promise<Answer>): Promise<Answer> {
    // An operation that ends hands its place to the next one, so the number of running operations does not change.
    if (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await operation();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
