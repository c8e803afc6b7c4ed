/**
 * Characters that are not shown, or that change how the text around them is shown: line breaks, control and format characters (among them those
 * that reverse the direction of text), and unpaired surrogates.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Quotes foreign text for a message: on one line, without unprintable characters, and cut after 100 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text).replace(
    UNPRINTABLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
