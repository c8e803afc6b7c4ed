/** One measurement. */
export interface Finding {
  readonly what: string;
  readonly of: string;
  readonly value: number;
  /** Number of decimals. */
  readonly digits: number;
  readonly unit: string;
  /** The measured values, if the value is a ratio. */
  readonly detail?: string;
  /** @default - none */
  readonly target?: Target;
}

export type Target = { readonly most: number } | { readonly least: number };

export function isMet({ value, target }: Finding): boolean {
  if (!target) return true;
  return 'most' in target ? value <= target.most : value >= target.least;
}

/** Formats the findings as a table. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = [
    ['measurement', 'source', 'result', 'target', ''],
    ...findings.map((finding) => {
      const { what, of, value, digits, unit, target, detail } = finding;
      const bound = target && ('most' in target ? `≤ ${target.most}` : `≥ ${target.least}`);
      const verdict = target ? (isMet(finding) ? 'met' : 'MISSED') : '';
      return [
        what,
        of,
        `${value.toFixed(digits)} ${unit}`,
        bound ?? '',
        [verdict, detail && `(${detail})`].filter(Boolean).join(' '),
      ];
    }),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
