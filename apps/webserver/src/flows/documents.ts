/** The documents of a YAML text, apart by `---` lines; those that hold nothing but comments are left out. */
export const documentsOf = (source: string): readonly string[] =>
  source
    .replace(/^\uFEFF/, '')
    .split(/^---(?:[^\S\n]*(?:\n|$)|[^\S\n]+)/m)
    .map((document) => document.replace(/^\.\.\.\s*$/m, ''))
    .filter((document) => document.split('\n').some((line) => !/^\s*(?:#.*)?$/.test(line)));
