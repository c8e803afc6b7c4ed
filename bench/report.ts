/** One thing that was measured. */
export interface Finding {
  readonly what: string;
  readonly of: string;
  readonly value: number;
  /** Digits behind the decimal point. */
  readonly digits: number;
  readonly unit: string;
  /** What the value comes from, where it is a ratio. */
  readonly detail?: string;
  /** Not everything has one. */
  readonly target?: Target;
}

export type Target = { readonly most: number } | { readonly least: number };

export function isMet({ value, target }: Finding): boolean {
  if (!target) return true;
  return 'most' in target ? value <= target.most : value >= target.least;
}

/** The findings as a table. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = [
    ['', 'of', 'measured', 'target', ''],
    ...findings.map((finding) => {
      const { what, of, value, digits, unit, target, detail } = finding;
      const bound = target && ('most' in target ? `≤ ${target.most}` : `≥ ${target.least}`);
      const verdict = target ? isMet(finding) ? 'met' : 'MISSED' : '';
      return [what, of, `${value.toFixed(digits)} ${unit}`, bound ?? '', [verdict, detail && `(${detail})`].filter(Boolean).join(' ')];
    }),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}
