import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** Colors of the output. They are used on a terminal only, and never with NO_COLOR. */
export type Color = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';
export type Paint = (color: Color, text: string) => string;

export interface ScreenOptions {
  /** The lines of the status area, on a terminal. */
  readonly status: () => readonly string[];
  /** One line of progress, without a terminal. */
  readonly progress: () => string;
}

const REDRAW_MS = 100;
const PROGRESS_MS = 3_000;
/** Minimum width of the terminal for the status area: a line that wraps cannot be redrawn. */
const MIN_COLUMNS = 80;

/** Shows progress: in a status area that is redrawn in place, or without a terminal (in CI, for example) as a line every few seconds. */
export class Screen {
  /** Whether the status area is redrawn in place. */
  public readonly redraws: boolean;
  public readonly paint: Paint;
  private timer: NodeJS.Timeout | undefined;
  private drawn = 0;

  constructor(
    private readonly stream: WriteStream,
    private readonly options: ScreenOptions,
  ) {
    this.redraws = stream.isTTY && stream.columns >= MIN_COLUMNS;
    this.paint = painter(stream);
  }

  public begin(): void {
    this.timer = this.redraws
      ? setInterval(() => this.draw(), REDRAW_MS)
      : setInterval(() => this.print(this.options.progress()), PROGRESS_MS);
  }

  /** Prints a line. Only without a status area, which shows the same information. */
  public note(line: string): void {
    if (!this.redraws) this.print(line);
  }

  /** Stops the progress. The status area stays as it is. */
  public end(): void {
    clearInterval(this.timer);
    if (this.redraws) this.draw();
  }

  private print(line: string): void {
    this.stream.write(`${line}\n`);
  }

  private draw(): void {
    const lines = this.options.status();
    if (this.drawn > 0) moveCursor(this.stream, 0, -this.drawn);
    clearScreenDown(this.stream);
    this.stream.write(lines.map((line) => `${line}\n`).join(''));
    this.drawn = lines.length;
  }
}

export function painter(stream: WriteStream): Paint {
  return stream.isTTY && !process.env.NO_COLOR ? (color, text) => styleText(color, text) : (_, text) => text;
}
