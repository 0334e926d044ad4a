/** An id as it appears in URIs: lower case, words joined with `-`, no accents (spec expressions.md §4). */
export function slug(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\s+/g, '-')
    .replace(/[^\w-]/g, '')
    .replace(/_/g, '-')
    .replace(/-{2,}/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
}
