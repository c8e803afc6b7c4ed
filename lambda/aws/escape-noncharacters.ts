/** JSON may hold two characters as they are that SQS does not take. */
const NONCHARACTERS = /[\ufffe\uffff]/g;

/** The same JSON with those characters escaped: JSON text has them only in strings, where they can be. */
export function escapeNoncharacters(json: string): string {
  return json.replace(NONCHARACTERS, (character) => (character === '\ufffe' ? '\\ufffe' : '\\uffff'));
}
