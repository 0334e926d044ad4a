/** What spreadsheets would take for a formula at the beginning of a cell. */
const FORMULA = /^[=+\-@\t\r]/;

/** One line of CSV (RFC 4180). Cells that a spreadsheet would evaluate begin with an apostrophe. */
export const csvLine = (cells: readonly string[]): string => `${cells.map(cell).join(',')}\r\n`;

function cell(value: string): string {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
