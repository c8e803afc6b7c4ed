/** The two characters that JSON text may contain unescaped and that SQS and SNS reject. */
const NONCHARACTERS = /[\ufffe\uffff]/g;

/** Escapes these characters. In JSON text they occur only in strings, which may contain escapes. */
export function escapeNoncharacters(json: string): string {
  return json.replace(NONCHARACTERS, (character) => (character === '\ufffe' ? '\\ufffe' : '\\uffff'));
}
