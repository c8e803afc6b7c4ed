/** A syntax error in a JSON text. */
export interface JsonError {
  /** Line of the error, from 1. */
  readonly line: number;
  /** Column of the error, from 1. */
  readonly column: number;
  /** The parser's explanation. */
  readonly reason: string;
}

/** Finds the first syntax error of a JSON text, and returns `undefined` if there is none. */
export function findJsonError(text: string): JsonError | undefined {
  const error = parse(text);
  if (!error) {
    return undefined;
  }
  const before = text.slice(0, error.position ?? searchPosition(text)).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, reason: error.reason };
}

/** Some of the parser's messages lack the position: finds the shortest prefix that cannot be continued, by bisection. */
function searchPosition(text: string): number {
  let [valid, invalid] = [0, text.length];
  while (invalid - valid > 1) {
    const length = Math.floor((valid + invalid) / 2);
    const error = parse(text.slice(0, length));
    if (error && (error.position ?? 0) < length) {
      invalid = length;
    } else {
      valid = length;
    }
  }
  return valid;
}

/** Parses a text. An error at the very end of the text means that it is incomplete. */
function parse(text: string): { readonly position?: number; readonly reason: string } | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const message = String(error).replace('SyntaxError: ', '');
    const position = message === 'Unexpected end of JSON input' ? text.length : /at position (\d+)/.exec(message)?.[1];
    return {
      ...(position !== undefined && { position: Number(position) }),
      // Without the position in characters, and without the quotation of the text.
      reason: message.replace(/ (in JSON )?at position .*$/s, '').replace(/, (\.\.\.)?".*is not valid JSON$/s, ''),
    };
  }
}
