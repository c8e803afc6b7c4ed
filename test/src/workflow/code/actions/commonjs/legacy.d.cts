export const directory: string;
export const file: string;
export function endOfLine(): string;
