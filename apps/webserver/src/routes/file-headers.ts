/**
 * Headers of an answer whose content comes from users: a browser saves it and never runs it, whatever it holds (spec
 * security.md §10.3, uploads and downloads).
 */
export const downloadHeaders = (fileName: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'application/octet-stream',
  'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`,
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'",
});
