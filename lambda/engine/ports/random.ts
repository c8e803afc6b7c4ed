/** The source of random values. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A unique name. */
  id(): string;
}
